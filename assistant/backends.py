"""How the network of an embedding model is computed on this machine's CPU.

    torch        PyTorch, 32-bit floats: the measure of the others
    torch-bf16   PyTorch, 16-bit floats; torch where the CPU has no such instructions
    onnx         ONNX Runtime, 32-bit floats
    onnx-int8    ONNX Runtime, 8-bit integers
    openvino     OpenVINO, which takes 16-bit floats where the CPU has them

`auto` is the fastest at hand whose vectors are interchangeable with those of
torch, their cosine above 0.999: all but onnx-int8. `eval speed backends` measures
them. The tokenizer, the prompts and the pooling are sentence-transformers' own
with every backend; what goes out of the network is always 32-bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# What each backend needs that a plain installation lacks, and the extra that has it.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "torch": (),
    "torch-bf16": (),
    "onnx": ("onnx", "onnxscript"),
    "onnx-int8": ("onnx", "onnxscript"),
    "openvino": ("openvino", "onnx", "onnxscript"),
}
EXTRA = {"onnx": "onnx", "onnx-int8": "onnx", "openvino": "openvino"}
AUTO = "auto"

_EXPORT_VERSION = 1  # a higher one makes exported networks anew

# A text's features, each of shape (1, tokens) → its tokens' vectors, (1, tokens, dimension).
Compute = Callable[[dict[str, NDArray[np.int64]]], NDArray[np.float32]]


def resolved(backend: str) -> str:
    """The backend that a setting stands for on this machine.

    Raises:
        ModelUnavailable: there is no such backend, or its packages are not installed.
    """
    if backend not in (AUTO, *NEEDS):
        raise ModelUnavailable(
            f"embedding backend {backend!r} is none of {', '.join((AUTO, *NEEDS))}: "
            f"set DIAMOND_EMBEDDING_BACKEND={AUTO}"
        )
    if backend == AUTO:
        backend = "openvino" if _suits_openvino() else "torch-bf16"
    if backend == "torch-bf16" and not _has_bf16():
        return "torch"
    missing = _missing(backend)
    if missing:
        raise ModelUnavailable(
            f"embedding backend {backend!r} needs {', '.join(missing)}: "
            f"pip install -e '.[{EXTRA[backend]}]', or set DIAMOND_EMBEDDING_BACKEND={AUTO}"
        )
    return backend


def apply(model: SentenceTransformer, backend: str, threads: int) -> None:
    """Have the model's network computed by a backend, one that `resolved` gave.

    Raises:
        ModelUnavailable: the network cannot be exported for it.
    """
    transformer: Any = model[0]
    if backend == "torch-bf16":
        transformer.model = _Narrow(transformer.model.to(torch.bfloat16))
    elif backend != "torch":
        transformer.model = _Exported(transformer.model, _compute(model, backend, threads))


def _missing(backend: str) -> list[str]:
    return [name for name in NEEDS[backend] if importlib.util.find_spec(name) is None]


def _suits_openvino() -> bool:
    """Whether it is installed, and fast here, and its copy of the network can be kept."""
    if _missing("openvino") or torch.cpu.get_capabilities()["architecture"] != "x86_64":
        return False
    try:
        _cache().mkdir(parents=True, exist_ok=True)
    except (OSError, ModelUnavailable):
        return False
    return os.access(_cache(), os.W_OK)


def _has_bf16() -> bool:
    """Whether the CPU multiplies matrices of 16-bit floats itself; without, they are slower."""
    has = torch.cpu.get_capabilities()
    return any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


class _Narrow(nn.Module):
    """A network of 16-bit floats; its tokens' vectors leave it as 32-bit ones."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.config = network.config

    def forward(self, **features: Any) -> dict[str, torch.Tensor]:
        return {"last_hidden_state": self.network(**features).last_hidden_state.float()}


class _Exported(nn.Module):
    """Stands where the network stood.

    Texts go through one at a time, without padding: that is faster on a CPU, and
    8-bit activations would otherwise be scaled by those of a text's neighbours.
    """

    def __init__(self, network: Any, compute: Compute) -> None:
        super().__init__()
        self.config = network.config
        self._compute = compute

    def forward(self, attention_mask: torch.Tensor, **features: Any) -> dict[str, torch.Tensor]:
        whole = {"attention_mask": attention_mask} | {
            name: value
            for name, value in features.items()
            if isinstance(value, torch.Tensor) and value.shape == attention_mask.shape
        }
        hidden = torch.zeros(*attention_mask.shape, self.config.hidden_size)
        for row, tokens in enumerate(attention_mask.bool()):
            text = {name: value[row, tokens][None].numpy() for name, value in whole.items()}
            hidden[row, tokens] = torch.from_numpy(self._compute(text)[0])
        return {"last_hidden_state": hidden}


def _compute(model: SentenceTransformer, backend: str, threads: int) -> Compute:
    path = _exported(model, as_int8=backend == "onnx-int8")
    start = _openvino if backend == "openvino" else _onnx
    try:
        return start(path, threads)
    except Exception as error:  # each runtime has its own errors, without a common root
        reason = str(error).strip().splitlines()[0]
        raise ModelUnavailable(
            f"{path} cannot be run by {backend} ({reason}): delete it, and it is made anew"
        ) from error


def _onnx(path: Path, threads: int) -> Compute:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    first = session.get_outputs()[0].name
    return lambda text: np.asarray(session.run([first], text)[0])


def _openvino(path: Path, threads: int) -> Compute:
    # With this package OpenVINO makes up an id for the user and reports to its
    # makers when it is imported. Where the package is missing it does neither.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    options = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same cores
        "INFERENCE_PRECISION_HINT": "bf16" if _has_bf16() else "f32",
    }
    request = openvino.Core().compile_model(path, "CPU", options).create_infer_request()
    return lambda text: np.array(request.infer(text)[0])


def _exported(model: SentenceTransformer, as_int8: bool) -> Path:
    """The model's network as an ONNX file, made the first time and kept.

    Raises:
        ModelUnavailable: it cannot be made or written.
    """
    transformer: Any = model[0]
    name = _digest(transformer.model) + ("-int8" if as_int8 else "")
    path = _cache() / f"{name}.onnx"
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            whole = Path(folder) / "whole.onnx"
            _export(transformer.model, model.preprocess(["Any text."]), whole)
            os.replace(_as_int8(whole) if as_int8 else whole, path)
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelUnavailable(
            f"the embedding model cannot be exported to {path} ({reason}): "
            "set DIAMOND_EMBEDDING_BACKEND=torch-bf16"
        ) from error
    return path


def _export(network: nn.Module, features: Mapping[str, Any], path: Path) -> None:
    example = {name: v for name, v in features.items() if isinstance(v, torch.Tensor)}
    with warnings.catch_warnings(), _quiet(logging.getLogger("torch.onnx")):
        warnings.simplefilter("ignore")  # deprecations within torch, and no torchvision
        program = torch.onnx.export(
            network,
            kwargs=example,
            dynamo=True,
            verbose=False,
            dynamic_shapes={name: {1: torch.export.Dim.DYNAMIC} for name in example},
        )
        assert program is not None
        program.save(str(path))


def _as_int8(path: Path) -> Path:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = path.with_name("int8.onnx")
    with _quiet(logging.getLogger()):  # that it could be optimised first: no gain here
        quantize_dynamic(path, small, weight_type=QuantType.QInt8, per_channel=True)
    return small


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Nothing below an error is said."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _digest(network: Any) -> str:
    """A name for these weights, so that an export of others is never taken for theirs."""
    digest = hashlib.sha256(f"{_EXPORT_VERSION} {torch.__version__}".encode())
    digest.update(network.config.to_json_string().encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy())
    return digest.hexdigest()[:24]


def _cache() -> Path:
    """Where exported networks are kept; safe to delete.

    Raises:
        ModelUnavailable: this user has no home.
    """
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError as error:
        raise ModelUnavailable(
            "there is no home folder to keep the exported embedding model in: "
            "set XDG_CACHE_HOME, or DIAMOND_EMBEDDING_BACKEND=torch-bf16"
        ) from error
    return Path(home) / "diamond-assistant"
