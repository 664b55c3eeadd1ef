"""Inference sessions; the only importer of onnxruntime."""

import onnxruntime

from idproof.models.errors import EngineUnavailable, ModelCorrupt

CPU = "CPUExecutionProvider"
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
