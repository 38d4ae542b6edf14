# SPDX-License-Identifier: Apache-2.0
"""The random operations of PyTorch that others end in, on bits of ours.

Each function has the arguments of its operation after the source, and checks them as PyTorch does. Defaults are those
of PyTorch's schemas, because arguments that equal them do not reach Python.
"""

from __future__ import annotations

from typing import Any, Callable

import torch

from ..errors import NotServed
from .fills import DIGITS, fill, integers, normal, require_floating, uniform, uniform_doubles
from .source import Source

#: What a function returns to leave the call to PyTorch, because nothing is drawn.
NOT_DRAWN = object()

Leaf = Callable[..., Any]
LEAVES: dict[str, Leaf] = {}


def leaf(*names: str) -> Callable[[Leaf], Leaf]:
    """Registers a function for operations of aten."""

    def register(function: Leaf) -> Leaf:
        for name in names:
            LEAVES[name] = function
        return function

    return register


def require(condition: bool, message: str) -> None:
    if not condition:
        raise RuntimeError(message)


def from_doubles(
    source: Source, tensor: torch.Tensor, operation: str, transform: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Fills `tensor` with a function of numbers in the open interval (0, 1)."""
    if tensor.numel() > 0:
        tensor.copy_(transform(uniform_doubles(source, tensor.shape)))
    return tensor


# Normal and uniform numbers


@leaf("normal_")
def normal_(source: Source, self: torch.Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Any:
    require(std >= 0, f"normal expects std >= 0.0, but found std {std}")
    require_floating(self, "normal_")
    return normal(source, self, mean, std)


def _scaled_normal(source: Source, out: torch.Tensor, mean: Any, std: Any) -> torch.Tensor:
    if isinstance(std, torch.Tensor):
        require(not std.is_complex(), "normal expects standard deviation to be non-complex")
        require(bool((std >= 0).all()), "normal expects all elements of std >= 0.0")
    else:
        require(std >= 0, f"normal expects std >= 0.0, but found std {std}")
    require_floating(out, "normal")
    return normal(source, out, 0.0, 1.0).mul_(std).add_(mean)


def _normal_shape(mean: Any, std: Any) -> torch.Size:
    return torch.broadcast_shapes(*(item.shape for item in (mean, std) if isinstance(item, torch.Tensor)))


@leaf("normal.Tensor_float", "normal.float_Tensor", "normal.Tensor_Tensor")
def normal_of_tensors(source: Source, mean: Any, std: Any = 1.0, *, generator: Any = None) -> Any:
    like = mean if isinstance(mean, torch.Tensor) else std
    return _scaled_normal(source, like.new_empty(_normal_shape(mean, std)), mean, std)


@leaf("normal.Tensor_float_out", "normal.float_Tensor_out", "normal.Tensor_Tensor_out")
def normal_of_tensors_out(source: Source, mean: Any, std: Any = 1.0, *, generator: Any = None, out: Any) -> Any:
    return _scaled_normal(source, out.resize_(_normal_shape(mean, std)), mean, std)


@leaf("log_normal_")
def log_normal_(
    source: Source, self: torch.Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None
) -> Any:
    require(std > 0, f"log_normal_ expects std > 0.0, but found std={std}")
    require_floating(self, "log_normal_")
    return normal(source, self, mean, std).exp_()


@leaf("uniform_")
def uniform_(
    source: Source,
    self: torch.Tensor,
    from_: float = 0.0,
    to: float = 1.0,
    *,
    generator: Any = None,
) -> Any:
    require(from_ <= to, f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    require_floating(self, "uniform_")
    largest = torch.finfo(self.dtype).max
    require(-largest <= from_ and to <= largest, f"the range [{from_}, {to}) is out of bounds for {self.dtype}")
    require(to - from_ <= largest, f"uniform_ expects to - from <= {largest}, but found from={from_}, to={to}")
    return uniform(source, self, from_, to)


@leaf("exponential_")
def exponential_(source: Source, self: torch.Tensor, lambd: float = 1.0, *, generator: Any = None) -> Any:
    require(lambd > 0, f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    require_floating(self, "exponential_")
    from_doubles(source, self, "exponential_", lambda u: u.neg_().log1p_().neg_().div_(lambd))
    # Never 0: others divide by these numbers.
    limits = torch.finfo(self.dtype)
    return self.clamp_(min=limits.smallest_normal * limits.eps)


@leaf("cauchy_")
def cauchy_(
    source: Source, self: torch.Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Any:
    require(sigma > 0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    require_floating(self, "cauchy_")
    return from_doubles(source, self, "cauchy_", lambda u: u.sub_(0.5).mul_(torch.pi).tan_().mul_(sigma).add_(median))


# Integers


@leaf("geometric_")
def geometric_(source: Source, self: torch.Tensor, p: float, *, generator: Any = None) -> Any:
    require(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p}")
    denominator = torch.log1p(torch.tensor(-p, dtype=torch.float64, device="cpu")).item()
    return from_doubles(source, self, "geometric_", lambda u: u.log_().div_(denominator).ceil_().clamp_(min=1))


def _largest(dtype: torch.dtype) -> int:
    """The largest number that random_ gives: all integers up to it can be told apart."""
    if dtype is torch.bool:
        return 1
    return 2 ** DIGITS[dtype] if dtype in DIGITS else torch.iinfo(dtype).max


def _require_integers(self: torch.Tensor, operation: str) -> None:
    if self.is_complex() or (self.is_floating_point() and self.dtype not in DIGITS):
        raise NotServed(f"{operation} makes integers, booleans and usual floating-point numbers, not {self.dtype}")


@leaf("random_")
def random_(source: Source, self: torch.Tensor, *, generator: Any = None) -> Any:
    _require_integers(self, "random_")
    if self.dtype is torch.uint64:
        integers(source, self.view(torch.int64), -(2**63), 2**63)
        return self
    return integers(source, self, 0, _largest(self.dtype) + 1)


@leaf("random_.from")
def random_from(source: Source, self: torch.Tensor, from_: int, to: int | None, *, generator: Any = None) -> Any:
    _require_integers(self, "random_")
    if (from_, to) == (-(2**63), 2**63 - 1):
        raise NotServed(
            "inductor draws a seed and makes pseudorandom numbers from it. Set "
            "torch._inductor.config.fallback_random = True before torch.compile, or compile with another backend"
        )
    end = _largest(self.dtype) + 1 if to is None else to
    require(from_ < end, f"random_ expects 'from' to be less than 'to', but got from={from_} >= to={end}")
    if self.dtype not in DIGITS:
        lowest = 0 if self.dtype is torch.bool else torch.iinfo(self.dtype).min
        require(from_ >= lowest, f"from is out of bounds for {self.dtype}")
        require(end - 1 <= _largest(self.dtype), f"to - 1 is out of bounds for {self.dtype}")
    return integers(source, self, from_, end)


@leaf("random_.to")
def random_to(source: Source, self: torch.Tensor, to: int, *, generator: Any = None) -> Any:
    return random_from(source, self, 0, to)


@leaf("randperm.generator_out")
def randperm_out(source: Source, n: int, *, generator: Any = None, out: torch.Tensor) -> Any:
    require(n >= 0, f"n must be non-negative, got {n}")
    require(n - 1 <= _largest(out.dtype), f"n is too large for the result tensor type {out.dtype}")
    draw = lambda memory: source.native.fill_permutation(memory.data_ptr(), memory.numel())  # noqa: E731
    return fill(out.resize_([n]), torch.int64, draw)


# Bernoulli and categorical samples


@leaf("bernoulli_.float")
def bernoulli_float(source: Source, self: torch.Tensor, p: float = 0.5, *, generator: Any = None) -> Any:
    require(0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    kind = self.dtype if self.dtype in (torch.bool, torch.uint8) else torch.uint8
    return fill(self, kind, lambda memory: source.native.fill_bernoulli(memory.data_ptr(), memory.numel(), p, 0))


@leaf("bernoulli_.Tensor")
def bernoulli_tensor(source: Source, self: torch.Tensor, p: torch.Tensor, *, generator: Any = None) -> Any:
    each = p.expand(self.shape).to("cpu", torch.float32).contiguous()
    require(bool(((each >= 0) & (each <= 1)).all()), "bernoulli_ expects every p to be in [0, 1]")
    kind = self.dtype if self.dtype in (torch.bool, torch.uint8) else torch.uint8
    return fill(
        self,
        kind,
        lambda memory: source.native.fill_bernoulli_each(memory.data_ptr(), each.data_ptr(), memory.numel()),
    )


@leaf("bernoulli.out")
def bernoulli_out(source: Source, self: torch.Tensor, *, generator: Any = None, out: torch.Tensor) -> Any:
    return bernoulli_tensor(source, out.resize_(self.shape), self)


def _check_weights(weights: torch.Tensor, samples: int, replacement: bool) -> None:
    require(weights.dim() in (1, 2) and weights.size(-1) > 0, "prob_dist must be 1 or 2 dim, and not empty")
    require(weights.is_floating_point(), f"multinomial only supports floating-point dtypes, not {weights.dtype}")
    require(samples > 0, "cannot sample n_sample <= 0 samples")
    finite = torch.isfinite(weights).all() and (weights >= 0).all()
    require(bool(finite), "probability tensor contains either `inf`, `nan` or element < 0")
    possible = int((weights > 0).sum(-1).min()) if weights.numel() else 1
    require(possible > 0, "invalid multinomial distribution (sum of probabilities <= 0)")
    require(
        replacement or samples <= possible,
        "cannot sample n_sample > number of categories with a positive probability without replacement",
    )


@leaf("multinomial")
def multinomial(
    source: Source, self: torch.Tensor, num_samples: int, replacement: bool = False, generator: Any = None
) -> Any:
    _check_weights(self, num_samples, replacement)
    weights = self.to("cpu", torch.float64)
    if replacement:
        sums = weights.cumsum(-1)
        total = sums[..., -1:]
        points = uniform_doubles(source, torch.Size([*weights.shape[:-1], num_samples])).mul_(total)
        # Below the total, and so never at a last category of weight 0.
        points = torch.minimum(points, torch.nextafter(total, torch.zeros_like(total)))
        picked = torch.searchsorted(sums, points, right=True)
    else:
        waits = exponential_(source, torch.empty_like(weights, memory_format=torch.contiguous_format))
        picked = weights.div(waits).topk(num_samples, -1).indices
    return picked.to(self.device)


@leaf("multinomial.out")
def multinomial_out(
    source: Source,
    self: torch.Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Any = None,
    out: torch.Tensor,
) -> Any:
    picked = multinomial(source, self, num_samples, replacement)
    return out.resize_(picked.shape).copy_(picked)


# Distributions of which NumPy has exact samplers


def _by_numpy(like: torch.Tensor, array: Any) -> torch.Tensor:
    return torch.as_tensor(array).to(like.device, like.dtype)


def _doubles(tensor: torch.Tensor) -> Any:
    return tensor.detach().to("cpu", torch.float64).numpy()


@leaf("poisson")
def poisson(source: Source, self: torch.Tensor, generator: Any = None) -> Any:
    require(bool((self >= 0).all()), "invalid Poisson rate, expected rate to be non-negative")
    return _by_numpy(self, source.numpy.poisson(_doubles(self)))


@leaf("binomial")
def binomial(source: Source, count: torch.Tensor, prob: torch.Tensor, generator: Any = None) -> Any:
    require(bool(((prob >= 0) & (prob <= 1)).all()), "binomial expects every probability to be in [0, 1]")
    require(bool((count >= 0).all()), "binomial expects every count to be non-negative")
    return _by_numpy(count, source.numpy.binomial(_doubles(count).astype("int64"), _doubles(prob)))


@leaf("_standard_gamma")
def standard_gamma(source: Source, self: torch.Tensor, generator: Any = None) -> Any:
    require(bool((self >= 0).all()), "gamma numbers need a concentration that is not negative")
    result = _by_numpy(self, source.numpy.standard_gamma(_doubles(self)))
    return result.clamp_(min=torch.finfo(self.dtype).tiny)


@leaf("_sample_dirichlet")
def sample_dirichlet(source: Source, self: torch.Tensor, generator: Any = None) -> Any:
    require(bool((self > 0).all()), "Dirichlet numbers need positive concentrations")
    parts = torch.as_tensor(source.numpy.standard_gamma(_doubles(self))).clamp_(min=torch.finfo(torch.float64).tiny)
    return parts.div_(parts.sum(-1, keepdim=True)).to(self.device, self.dtype)


# Randomised leaky rectifiers


def _rrelu(
    source: Source, self: torch.Tensor, noise: torch.Tensor, lower: float, upper: float, out: torch.Tensor
) -> torch.Tensor:
    require_floating(self, "rrelu_with_noise")
    uniform(source, noise.resize_(self.shape), float(lower), float(upper))
    noise.masked_fill_(self > 0, 1.0)
    return torch.mul(self, noise, out=out)


@leaf("rrelu_with_noise")
def rrelu_with_noise(
    source: Source,
    self: torch.Tensor,
    noise: torch.Tensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> Any:
    return _rrelu(source, self, noise, lower, upper, torch.empty_like(self)) if training else NOT_DRAWN


@leaf("rrelu_with_noise.out")
def rrelu_with_noise_out(
    source: Source,
    self: torch.Tensor,
    noise: torch.Tensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
    *,
    out: torch.Tensor,
) -> Any:
    return _rrelu(source, self, noise, lower, upper, out) if training else NOT_DRAWN


@leaf("rrelu_with_noise_")
def rrelu_with_noise_in_place(
    source: Source,
    self: torch.Tensor,
    noise: torch.Tensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> Any:
    return _rrelu(source, self, noise, lower, upper, self) if training else NOT_DRAWN
