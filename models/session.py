"""Inference sessions; the only importer of onnxruntime."""

import onnxruntime

from idproof.models.errors import EngineUnavailable, ModelCorrupt

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
AUTO = "auto"
"""Chooses CUDA where onnxruntime offers it and it starts (the package onnxruntime-gpu), else the processor."""
_ERRORS_ONLY = 3


def open_session(model: bytes, threads: int = 1, provider: str = CPU) -> onnxruntime.InferenceSession:
    """Opens a session with its own number of threads.

    The memory arena is off: memory of a network returns to the allocator after each call, where the guard
    `malloc_perturb` overwrites it, instead of staying in the process.

    Args:
        model: serialised ONNX.
        threads: threads within one operator; operators run one after another.
        provider: execution provider of onnxruntime. onnxruntime falls back to the processor when a provider does not
            start, so the provider of the opened session is checked.

    Raises:
        EngineUnavailable: the provider is not there, or did not start.
        ModelCorrupt: the bytes are not a network that onnxruntime can run.
    """
    if provider not in onnxruntime.get_available_providers():
        raise EngineUnavailable(f"onnxruntime does not offer the {provider}.")
    try:
        session = onnxruntime.InferenceSession(model, _options(threads), providers=[provider])
    except Exception as error:
        raise ModelCorrupt("A weight file is not a network that onnxruntime can open.") from error
    if session.get_providers()[0] != provider:
        raise EngineUnavailable(f"onnxruntime offers the {provider}, and it did not start.")
    return session


def offers_cuda() -> bool:
    """Returns True where the installed onnxruntime can use CUDA, whether or not there is a GPU."""
    return CUDA in onnxruntime.get_available_providers()


def choose_provider(wanted: str, model: bytes) -> str:
    """Returns the execution provider that networks are opened with.

    Args:
        wanted: a provider, which is not replaced by another; or `AUTO`.
        model: a small network, opened to see whether a provider starts.

    Raises:
        EngineUnavailable: the wanted provider is not there, or did not start.
    """
    if wanted != AUTO:
        open_session(model, provider=wanted)
        return wanted
    if not offers_cuda():
        return CPU
    try:
        open_session(model, provider=CUDA)
    except (EngineUnavailable, ModelCorrupt):  # no driver, no card, or one that cannot run such a network
        return CPU
    return CUDA


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    # Spinning threads would keep a core from other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
