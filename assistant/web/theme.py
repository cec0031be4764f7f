"""How the page looks: a quiet theme, its style sheet and its one script."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).with_name("style.css")
SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")


def make_theme() -> gr.themes.Base:
    """Ink on paper by day, the reverse by night; one blue for what can be clicked."""
    sans = ("ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=[gr.themes.Font(name) for name in sans],
        font_mono=[gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")],
    )
    return theme.set(
        body_background_fill="#faf9f7",
        body_background_fill_dark="#161514",
        body_text_color="#1f1d1a",
        body_text_color_dark="#ece9e4",
        body_text_color_subdued="#68625a",
        body_text_color_subdued_dark="#a39c92",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0",
        block_border_width_dark="0",
        block_shadow="none",
        block_shadow_dark="none",
        input_background_fill="#ffffff",
        input_background_fill_dark="#211f1d",
        input_border_color="#d9d4cb",
        input_border_color_dark="#3b3733",
        button_primary_background_fill="#1f4e8c",
        button_primary_background_fill_dark="#8fb8f0",
        button_primary_background_fill_hover="#173c6d",
        button_primary_background_fill_hover_dark="#b3d0f7",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#161514",
    )
