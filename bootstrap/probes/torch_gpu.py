"""torch computes on every GPU it has code for. Arguments: compute capabilities, such as ``8.6``."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require

_SIZE = 1024
_MEGABYTES = 256
_TOLERANCE = 1e-3


def _has_code(capability: tuple[int, int], architectures: list[str]) -> bool:
    """A cubin runs on the same major version with an equal or higher minor."""
    known = [tuple(int(part) for part in text.split(".")) for text in architectures]
    return any(major == capability[0] and minor <= capability[1] for major, minor in known)


def _compare_with_cpu(device: str) -> float:
    """Multiply matrices on both; give the largest relative error."""
    import torch

    left, right = torch.rand(_SIZE, _SIZE), torch.rand(_SIZE, _SIZE)
    ours = (left.to(device) @ right.to(device)).cpu()
    theirs = left @ right
    torch.testing.assert_close(ours, theirs, rtol=_TOLERANCE, atol=_TOLERANCE)
    return float(((ours - theirs).abs() / theirs.abs()).max())


def _half_precision(device: str) -> None:
    import torch

    ones = torch.ones(_SIZE, _SIZE, dtype=torch.float16, device=device)
    # Sums of 1024 ones are exact in float16.
    require(bool(((ones @ ones) == _SIZE).all()), "a float16 product of ones is wrong")


def _convolution_and_gradient(device: str) -> None:
    import torch

    image = torch.rand(1, 3, 32, 32, device=device, requires_grad=True)
    kernel = torch.ones(4, 3, 3, 3, device=device)
    torch.nn.functional.conv2d(image, kernel).sum().backward()
    require(image.grad is not None, "backward left no gradient")
    # An inner pixel lies under 9 positions of each of the 4 kernels of ones.
    off = abs(float(image.grad[0, 0, 16, 16]) - 36)
    require(off < _TOLERANCE, f"the gradient of a convolution is off by {off}")


def _memory(device: str) -> None:
    import torch

    before = torch.cuda.memory_allocated(device)
    block = torch.empty(_MEGABYTES << 20, dtype=torch.uint8, device=device).fill_(7)
    require(int(block[-1]) == 7, "memory does not keep what was written")  # noqa: PLR2004
    del block
    require(torch.cuda.memory_allocated(device) == before, "memory was not freed")


def _compute(device: str) -> float:
    import torch

    error = _compare_with_cpu(device)
    _half_precision(device)
    _convolution_and_gradient(device)
    _memory(device)
    # Kernels run behind our back; a late failure shows here.
    torch.cuda.synchronize(device)
    return error


def _prove(arguments: list[str]) -> Proof:
    import torch

    # TensorFloat-32 would be less exact than the comparison asks for.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    # Unlike is_available(), this raises with the reason when there is no GPU.
    torch.cuda.init()
    facts, proved = {}, []
    for number in range(torch.cuda.device_count()):
        device = f"cuda:{number}"
        name = torch.cuda.get_device_name(device)
        major, minor = torch.cuda.get_device_capability(device)
        facts[device] = f"{name}, compute capability {major}.{minor}"
        if _has_code((major, minor), arguments):
            facts[f"{device} error"] = f"{_compute(device):.1e}"
            proved.append(name)
    require(bool(proved), f"torch has code for {', '.join(arguments)}, but found {facts}")
    return f"computed on {', '.join(proved)}", facts


answer(_prove)
