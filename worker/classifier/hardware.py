"""Choosing the device on which torch computes, and the precision."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from worker.errors import Code, SettingError
from worker.settings import Settings

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_CPU_BF16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""Instruction sets (x86, x86, ARM, ARM) for bf16; without one it is emulated, and slower than fp32."""


@dataclass(frozen=True, slots=True)
class Hardware:
    device: torch.device
    precision: str
    """fp32, bf16 or fp16."""

    @property
    def dtype(self) -> torch.dtype:
        return DTYPES[self.precision]


def choose_hardware(settings: Settings) -> Hardware:
    """Return the device and precision that the settings name, or those that suit this machine if they say auto.

    Raises:
        SettingError: the device does not exist, or cannot compute at that precision.
    """
    device = _device(settings.device)
    return Hardware(device, _precision(device, settings.precision))


def available_devices() -> list[str]:
    """Return the values of the setting ``device`` that this machine supports, the best first."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]


def _device(wanted: str) -> torch.device:
    available = available_devices()
    name = wanted.strip().lower()
    if name == "auto":
        name = available[0]
    elif name == "cuda" and "cuda:0" in available:
        name = "cuda:0"
    if name not in available:
        raise SettingError(
            Code.DEVICE_NOT_FOUND, f"device={wanted} is not on this machine: use auto, or one of {', '.join(available)}"
        )
    return torch.device(name)


def supported_precisions(device: torch.device) -> list[str]:
    """Return the precisions that the device supports in hardware, the one that ``precision=auto`` chooses first."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return ["bf16", "fp16", "fp32"] if bf16 else ["fp16", "fp32"]
    if device.type == "mps":
        return ["fp32", "fp16"]
    # Older releases of torch do not report the capabilities of the CPU.
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return ["bf16", "fp32"] if any(capabilities.get(name) for name in _CPU_BF16) else ["fp32"]


def _precision(device: torch.device, wanted: str) -> str:
    supported = supported_precisions(device)
    if wanted == "auto":
        return supported[0]
    if wanted not in supported:
        raise SettingError(
            Code.PRECISION_UNSUPPORTED,
            f"{device} does not support precision={wanted} in hardware: use auto, or one of {', '.join(supported)}",
        )
    return wanted


def is_out_of_memory(error: Exception) -> bool:
    """Return whether memory ran out. CUDA has an exception of its own; other devices and the CPU only say so."""
    words = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in words or "can't allocate memory" in words)
    )
