"""The chat in the browser."""

import os

# Gradio reads this when it is imported; nothing may leave the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
