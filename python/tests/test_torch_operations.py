# SPDX-License-Identifier: Apache-2.0
"""Every operation that the installed PyTorch marks as random draws from us, draws nothing, or raises."""

import metrng
import pytest
from conftest import need

need("torch")
import torch  # noqa: E402
from metrng.torch.dispatcher import BACKENDS, EXPLICIT, IMPLICIT, account, random_operations  # noqa: E402
from metrng.torch.leaves import LEAVES  # noqa: E402

X = torch.full((4, 6), 0.5)
N = torch.full((4, 6), 3.0)
I = torch.zeros(4, 6, dtype=torch.int64)  # noqa: E741
Q = torch.randn(1, 2, 4, 8)
SIZE = [4, 6]


def new():
    return torch.empty(4, 6)


def rnn(gates):
    """Arguments of a recurrent network of two layers with dropout between them."""
    weights = [
        tensor
        for _ in range(2)
        for tensor in (
            torch.randn(gates * 3, 3),
            torch.randn(gates * 3, 3),
            torch.zeros(gates * 3),
            torch.zeros(gates * 3),
        )
    ]
    return torch.randn(5, 2, 3), torch.zeros(2, 2, 3), weights


def rnn_input(gates, states=1):
    sequence, state, weights = rnn(gates)
    return sequence, state if states == 1 else [state, state], weights, True, 2, 0.5, True, False, False


def rnn_data(gates, states=1):
    sequence, state, weights = rnn(gates)
    sizes = torch.tensor([2, 2, 2, 2, 2])
    return sequence.reshape(10, 3), sizes, state if states == 1 else [state, state], weights, True, 2, 0.5, True, False


G = {"generator": None}

#: A call of each operation that has an implementation for the CPU.
CALLS = {
    "_sample_dirichlet": lambda f: f(X),
    "_sample_dirichlet.out": lambda f: f(X, out=new()),
    "_scaled_dot_product_attention_math": lambda f: f(Q, Q, Q, None, 0.5),
    "_standard_gamma": lambda f: f(X),
    "_standard_gamma.out": lambda f: f(X, out=new()),
    "alpha_dropout": lambda f: f(X, 0.5, True),
    "alpha_dropout_": lambda f: f(X.clone(), 0.5, True),
    "bernoulli": lambda f: f(X),
    "bernoulli.Tensor": lambda f: f(X, X),
    "bernoulli.Tensor_out": lambda f: f(X, X, out=new()),
    "bernoulli.float_out": lambda f: f(X, 0.5, out=new()),
    "bernoulli.out": lambda f: f(X, out=new()),
    "bernoulli.p": lambda f: f(X, 0.5),
    "bernoulli_.Tensor": lambda f: f(new(), X),
    "bernoulli_.float": lambda f: f(new(), 0.3),
    "binomial": lambda f: f(N, X),
    "binomial.out": lambda f: f(N, X, out=new()),
    "cauchy": lambda f: f(X),
    "cauchy.out": lambda f: f(X, out=new()),
    "cauchy_": lambda f: f(new()),
    "dropout": lambda f: f(X, 0.5, True),
    "dropout_": lambda f: f(X.clone(), 0.5, True),
    "exponential": lambda f: f(X),
    "exponential.out": lambda f: f(X, out=new()),
    "exponential_": lambda f: f(new()),
    "feature_alpha_dropout": lambda f: f(Q, 0.5, True),
    "feature_alpha_dropout_": lambda f: f(Q.clone(), 0.5, True),
    "feature_dropout": lambda f: f(Q, 0.5, True),
    "feature_dropout_": lambda f: f(Q.clone(), 0.5, True),
    "geometric": lambda f: f(X, 0.5),
    "geometric.out": lambda f: f(X, 0.5, out=new()),
    "geometric_": lambda f: f(new(), 0.5),
    "gru.data": lambda f: f(*rnn_data(3)),
    "gru.input": lambda f: f(*rnn_input(3)),
    "log_normal": lambda f: f(X),
    "log_normal.out": lambda f: f(X, out=new()),
    "log_normal_": lambda f: f(new()),
    "lstm.data": lambda f: f(*rnn_data(4, 2)),
    "lstm.input": lambda f: f(*rnn_input(4, 2)),
    "multinomial": lambda f: (f(X, 3, True), f(X, 3, False)),
    "multinomial.out": lambda f: f(X, 3, out=torch.empty(0, dtype=torch.int64)),
    "native_dropout": lambda f: f(X, 0.5, True),
    "native_dropout.out": lambda f: f(X, 0.5, True, out0=new(), out1=torch.empty(0, dtype=torch.bool)),
    "normal.Tensor_Tensor": lambda f: f(X, X),
    "normal.Tensor_Tensor_out": lambda f: f(X, X, out=new()),
    "normal.Tensor_float": lambda f: f(X, 1.0),
    "normal.Tensor_float_out": lambda f: f(X, 1.0, out=new()),
    "normal.float_Tensor": lambda f: f(0.0, X),
    "normal.float_Tensor_out": lambda f: f(0.0, X, out=new()),
    "normal.float_float": lambda f: f(0.0, 1.0, SIZE),
    "normal.float_float_out": lambda f: f(0.0, 1.0, SIZE, out=new()),
    "normal.out": lambda f: f(X, out=new()),
    "normal_": lambda f: f(new()),
    "normal_functional": lambda f: f(X),
    "poisson": lambda f: f(N),
    "poisson.out": lambda f: f(N, out=new()),
    "rand": lambda f: f(SIZE),
    "rand.generator": lambda f: f(SIZE, **G),
    "rand.generator_out": lambda f: f(SIZE, **G, out=new()),
    "rand.out": lambda f: f(SIZE, out=new()),
    "rand_like": lambda f: f(X),
    "rand_like.generator": lambda f: f(X, **G),
    "rand_like.generator_out": lambda f: f(X, **G, out=new()),
    "rand_like.out": lambda f: f(X, out=new()),
    "randint": lambda f: f(9, SIZE),
    "randint.generator": lambda f: f(9, SIZE, **G),
    "randint.generator_out": lambda f: f(9, SIZE, **G, out=I.clone()),
    "randint.low": lambda f: f(1, 9, SIZE),
    "randint.low_generator": lambda f: f(1, 9, SIZE, **G),
    "randint.low_generator_out": lambda f: f(1, 9, SIZE, **G, out=I.clone()),
    "randint.low_out": lambda f: f(1, 9, SIZE, out=I.clone()),
    "randint.out": lambda f: f(9, SIZE, out=I.clone()),
    "randint_like": lambda f: f(I, 9),
    "randint_like.Tensor": lambda f: f(I, torch.tensor(9)),
    "randint_like.Tensor_generator": lambda f: f(I, torch.tensor(9), **G),
    "randint_like.Tensor_generator_out": lambda f: f(I, torch.tensor(9), **G, out=I.clone()),
    "randint_like.Tensor_out": lambda f: f(I, torch.tensor(9), out=I.clone()),
    "randint_like.generator": lambda f: f(I, 9, **G),
    "randint_like.generator_out": lambda f: f(I, 9, **G, out=I.clone()),
    "randint_like.low_dtype": lambda f: f(I, 1, 9),
    "randint_like.low_dtype_out": lambda f: f(I, 1, 9, out=I.clone()),
    "randint_like.low_generator_dtype": lambda f: f(I, 1, 9, **G),
    "randint_like.low_generator_dtype_out": lambda f: f(I, 1, 9, **G, out=I.clone()),
    "randint_like.out": lambda f: f(I, 9, out=I.clone()),
    "randn": lambda f: f(SIZE),
    "randn.generator": lambda f: f(SIZE, **G),
    "randn.generator_out": lambda f: f(SIZE, **G, out=new()),
    "randn.out": lambda f: f(SIZE, out=new()),
    "randn_like": lambda f: f(X),
    "randn_like.generator": lambda f: f(X, **G),
    "randn_like.generator_out": lambda f: f(X, **G, out=new()),
    "randn_like.out": lambda f: f(X, out=new()),
    "random": lambda f: f(I),
    "random.from": lambda f: f(I, 1, 9),
    "random.from_out": lambda f: f(I, 1, 9, out=I.clone()),
    "random.out": lambda f: f(I, out=I.clone()),
    "random.to": lambda f: f(I, 9),
    "random.to_out": lambda f: f(I, 9, out=I.clone()),
    "random_": lambda f: f(I.clone()),
    "random_.from": lambda f: f(I.clone(), 1, 9),
    "random_.to": lambda f: f(I.clone(), 9),
    "randperm": lambda f: f(9),
    "randperm.generator": lambda f: f(9, **G),
    "randperm.generator_out": lambda f: f(9, **G, out=I.clone()),
    "randperm.out": lambda f: f(9, out=I.clone()),
    "rnn_relu.data": lambda f: f(*rnn_data(1)),
    "rnn_relu.input": lambda f: f(*rnn_input(1)),
    "rnn_tanh.data": lambda f: f(*rnn_data(1)),
    "rnn_tanh.input": lambda f: f(*rnn_input(1)),
    "rrelu": lambda f: f(-X, 0.1, 0.3, True),
    "rrelu_": lambda f: f(-X, 0.1, 0.3, True),
    "rrelu_with_noise": lambda f: f(-X, new(), 0.1, 0.3, True),
    "rrelu_with_noise.out": lambda f: f(-X, new(), 0.1, 0.3, True, out=new()),
    "rrelu_with_noise_": lambda f: f(-X, new(), 0.1, 0.3, True),
    "rrelu_with_noise_functional": lambda f: f(-X, new(), 0.1, 0.3, True),
    "scaled_dot_product_attention": lambda f: f(Q, Q, Q, None, 0.5),
    "uniform": lambda f: f(X),
    "uniform.out": lambda f: f(X, out=new()),
    "uniform_": lambda f: f(new()),
    "prims::normal": lambda f: f(SIZE, mean=0.0, std=1.0, dtype=torch.float32, device="cpu", requires_grad=False),
    "prims::uniform": lambda f: f(SIZE, low=0.0, high=1.0, dtype=torch.float32, device="cpu", stride=[6, 1]),
}

#: Operations that raise, with a call that would draw.
REFUSED = {
    "aten::_scaled_dot_product_flash_attention_for_cpu": lambda f: f(Q, Q, Q, 0.5),
    "rngprims::philox_rand": lambda f: f(
        SIZE, torch.tensor(1), torch.tensor(0), None, torch.device("cpu"), torch.float32
    ),
}

#: Marked as random, but draw nothing.
QUIET = {"aten::_fused_sdp_choice", "aten::_nested_tensor_softmax_with_shape"}

NAMES = list(random_operations())


def operation(name):
    namespace, _, rest = name.partition("::")
    base, _, overload = rest.partition(".")
    return getattr(getattr(getattr(torch.ops, namespace), base), overload or "default")


def call_of(name):
    return CALLS.get(name.removeprefix("aten::"))


def is_only_for_other_devices(name):
    """Whether nothing but the shapes of results, or a copy of another operation's result, is there on the CPU."""
    return not set(account(name)) - set(EXPLICIT) or not account(name)


def test_tables_hold_every_operation():
    unknown = [
        name
        for name in NAMES
        if call_of(name) is None and name not in REFUSED and name not in QUIET and not is_only_for_other_devices(name)
    ]
    assert unknown == [], "operations that nobody has looked at: account for them in dispatcher.py"


def test_every_leaf_exists():
    assert {f"aten::{name}" for name in LEAVES} <= set(NAMES)
    for name in NAMES:
        plan = account(name)
        if "CPU" in plan and plan["CPU"] == "refused":
            assert name in REFUSED
        if "refused" in plan.values() and plan.keys() & set(EXPLICIT):
            assert name in REFUSED
        assert set(plan) <= {IMPLICIT, *EXPLICIT, *BACKENDS}


@pytest.mark.parametrize("name", [name for name in NAMES if call_of(name) is not None])
def test_operation_draws_from_us_only(daemon, name):
    with metrng.torch_noise(allow_simulated=True) as noise:
        before = torch.default_generator.get_state()
        try:
            call_of(name)(operation(name))
        except (NotImplementedError, metrng.NotServed):
            pytest.fail(f"{name} is not served")
        assert torch.equal(torch.default_generator.get_state(), before), "PyTorch drew numbers of its own"
        assert sum(noise.report().draws.values()) >= 1
        assert noise.report().bits > 0


@pytest.mark.parametrize("name", [name for name in NAMES if call_of(name) is None])
def test_operation_raises_or_draws_nothing(daemon, name):
    with metrng.torch_noise(allow_simulated=True) as noise:
        if name in REFUSED:
            with pytest.raises(metrng.NotServed, match=name):
                REFUSED[name](operation(name))
        elif name not in QUIET:
            schema = operation(name)._schema
            assert is_only_for_other_devices(name), schema
        assert noise.report().draws == {}


@pytest.mark.parametrize("name", [name for name in NAMES if call_of(name) is not None])
def test_operation_is_its_own_outside(daemon, name):
    with metrng.torch_noise(allow_simulated=True):
        pass
    before = torch.default_generator.get_state()
    call_of(name)(operation(name))
    assert not torch.equal(torch.default_generator.get_state(), before)


def test_nested_tensors(daemon):
    nested = torch.nested.nested_tensor([torch.ones(3, 2), torch.ones(5, 2)])
    with metrng.torch_noise(allow_simulated=True) as noise:
        before = torch.default_generator.get_state()
        torch.nn.functional.dropout(nested, 0.5, True)
        nested.normal_()
        assert torch.equal(torch.default_generator.get_state(), before)
        assert noise.report().samples == {"bernoulli_.float": 16, "normal_": 16}
