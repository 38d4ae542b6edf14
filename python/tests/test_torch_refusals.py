# SPDX-License-Identifier: Apache-2.0
"""What must raise in PyTorch, processes that draw too, and Brownian motions of torchsde."""

import _thread
import os
import pickle
import subprocess
import sys
import threading

import metrng
import pytest
from conftest import need, reply
from statistics_of import kolmogorov_smirnov, normal_distribution

need("torch")
import torch  # noqa: E402


@pytest.fixture
def noise(fixed):
    with metrng.torch_noise(fixed, allow_simulated=True) as noise:
        yield noise


def values(tensor):
    return tensor.double().flatten().tolist()


class TestFailsClosed:
    def test_a_broken_daemon_raises(self, scripted):
        path = scripted(lambda length, tag: reply(bytes(length), tag + 1))
        with metrng.torch_noise(path, allow_simulated=True) as noise:
            tensor = torch.ones(10)
            for draw in (tensor.normal_, lambda: torch.randn(3), lambda: torch.poisson(torch.ones(3))):
                with pytest.raises(ConnectionError):
                    draw()
            assert noise.report().draws == {}

    @pytest.mark.parametrize("use_reentrant", [True, False])
    def test_checkpoints_raise_in_the_backward_pass(self, noise, use_reentrant):
        from torch.utils.checkpoint import checkpoint

        weights = torch.ones(100, requires_grad=True)
        out = checkpoint(lambda x: torch.nn.functional.dropout(x, 0.5), weights, use_reentrant=use_reentrant)
        with pytest.raises(metrng.NotServed, match="checkpoint"):
            out.sum().backward()

    def test_threads_of_the_backward_pass(self, noise):
        """As on a GPU, where PyTorch runs the backward pass in threads of its own."""
        from torch.utils.checkpoint import checkpoint

        errors, ended = [], threading.Event()

        def backward():
            weights = torch.ones(100, requires_grad=True)
            try:
                checkpoint(lambda x: torch.nn.functional.dropout(x, 0.5), weights, use_reentrant=False).sum().backward()
            except metrng.NotServed as error:
                errors.append(str(error))
            ended.set()

        _thread.start_new_thread(backward, ())
        assert ended.wait(60)
        assert len(errors) == 1 and "checkpoint" in errors[0]

    def test_default_device_and_type(self, noise):
        torch.set_default_device("meta")
        torch.set_default_dtype(torch.float64)
        try:
            drawn = torch.rand(3, dtype=torch.float16, device="cpu"), torch.empty(3, device="cpu").geometric_(0.5)
            drawn += torch.empty(3, 2, device="cpu").t().uniform_(1, 2), torch.poisson(torch.ones(3, device="cpu"))
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_default_device(None)
        assert all(tensor.device.type == "cpu" and tensor.isfinite().all() for tensor in drawn)

    def test_fused_attention_with_dropout(self, noise):
        q = torch.ones(1, 1, 2, 8)
        flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        flash(q, q, q)
        with pytest.raises(metrng.NotServed, match="flash_attention"):
            flash(q, q, q, 0.5)

    def test_operations_of_others_are_found(self, daemon):
        with torch.library._scoped_library("metrng_test", "FRAGMENT") as library:
            library.define("noise(Tensor x) -> Tensor", tags=(torch.Tag.nondeterministic_seeded,))
            library.impl("noise", lambda x: x + 1, "CPU")
            with metrng.torch_noise(allow_simulated=True):
                with pytest.raises(metrng.NotServed, match="metrng_test::noise"):
                    torch.ops.metrng_test.noise(torch.ones(1))
            assert torch.ops.metrng_test.noise(torch.ones(1)).item() == 2

    @pytest.mark.parametrize("backend", ["eager", "aot_eager"])
    def test_compiled_by_real_backends(self, noise, backend):
        torch._dynamo.reset()
        function = torch.compile(lambda x: x + torch.randn(x.shape) * torch.rand_like(x), backend=backend)
        first, second = function(torch.zeros(50)), function(torch.zeros(50))
        assert not torch.equal(first, second)
        assert noise.report().samples["normal_"] == 100 and noise.report().samples["uniform_"] == 100

    def test_inductor(self, daemon):
        """In a process of its own, because the remedy must come before any compilation."""
        code = (
            "import metrng, torch, torch._inductor.config as config, sys\n"
            "config.fallback_random = sys.argv[1] == 'fallback'\n"
            "function = torch.compile(lambda x: x + torch.randn(x.shape))\n"
            "with metrng.torch_noise(allow_simulated=True) as noise:\n"
            "    try: function(torch.zeros(50)); print(noise.report().samples)\n"
            "    except metrng.NotServed as error: print('NotServed', error)\n"
        )
        for mode, expected in (("seeds", "NotServed inductor draws a seed"), ("fallback", "{'normal_': 50}")):
            result = subprocess.run([sys.executable, "-c", code, mode], capture_output=True, text=True, timeout=600)
            assert result.stdout.startswith(expected), result.stdout + result.stderr


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.randn(4)


def rows_of(loader):
    return [tuple(row) for batch in loader for row in batch.tolist()]


class TestWorkers:
    def test_a_forked_child_counts_for_itself(self, daemon):
        with metrng.torch_noise(allow_simulated=True) as noise:
            torch.randn(100)
            child = os.fork()
            if child == 0:
                try:
                    torch.empty(1).uniform_()
                    os._exit(0 if noise.report().draws == {"uniform_": 1} else 3)
                finally:
                    os._exit(4)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert noise.report().draws == {"normal_": 1}

    def test_forked_workers_draw_bits_of_their_own(self, daemon):
        loader = torch.utils.data.DataLoader(Rows(), batch_size=1, num_workers=2, multiprocessing_context="fork")
        with metrng.torch_noise(allow_simulated=True):
            torch.randn(100)  # connected, with bits at hand
            rows = rows_of(loader) + rows_of(loader)
        assert len(set(rows)) == 16

    @pytest.mark.parametrize("method", ["spawn", "forkserver"])
    def test_other_workers_need_our_init(self, noise, method):
        loader = torch.utils.data.DataLoader(Rows(), num_workers=1, multiprocessing_context=method)
        with pytest.raises(metrng.NotServed, match="torch_worker_init"):
            iter(loader)

    def test_spawned_workers_with_our_init(self, daemon, tmp_path):
        script = tmp_path / "spawned.py"
        script.write_text(
            "import metrng, torch\n"
            "class Draws(torch.utils.data.Dataset):\n"
            "    def __len__(self): return 4\n"
            "    def __getitem__(self, index):\n"
            "        from metrng.torch.source import active\n"
            "        torch.manual_seed(1)\n"
            "        return torch.randn(2).tolist() + [active.source.session.report().bytes_used]\n"
            "if __name__ == '__main__':\n"
            "    with metrng.torch_noise(allow_simulated=True):\n"
            "        loader = torch.utils.data.DataLoader(Draws(), batch_size=None, num_workers=2,\n"
            "            multiprocessing_context='spawn', worker_init_fn=metrng.torch_worker_init)\n"
            "        rows = list(loader)\n"
            "    assert len({tuple(row) for row in rows}) == 4 and all(row[2] > 0 for row in rows), rows\n"
            "    print('ok')\n",
            encoding="utf-8",
        )
        result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=600, env=os.environ)
        assert result.stdout.strip() == "ok", result.stderr

    def test_our_init_outside_a_block(self, daemon):
        with pytest.raises(metrng.NotServed, match="inside the block"):
            pickle.loads(pickle.dumps(metrng.torch_worker_init))(0)


class TestBrownianMotion:
    @pytest.fixture(autouse=True)
    def torchsde(self):
        need("torchsde")

    @pytest.mark.parametrize("levy", ["none", "space-time", "foster"])
    def test_increments_sum_up_and_repeat(self, noise, levy):
        import torchsde

        motion = torchsde.BrownianInterval(0.0, 1.0, size=(50, 2), levy_area_approximation=levy, cache_size=2)
        times = [index / 64 for index in range(65)]
        increments = [motion(start, end) for start, end in zip(times, times[1:])]
        assert torch.allclose(sum(increments), motion(0.0, 1.0), atol=1e-5)
        assert torch.equal(motion(times[3], times[4]), increments[3])
        scaled = torch.stack(increments) * 8
        assert kolmogorov_smirnov(values(scaled), normal_distribution) < 1.95
        drawn = noise.report().draws["normal_"]
        motion(times[3], times[4])
        assert noise.report().draws["normal_"] == drawn

    def test_levy_areas_repeat(self, noise):
        import torchsde

        motion = torchsde.BrownianInterval(0.0, 1.0, size=(5, 2), levy_area_approximation="foster", cache_size=0)
        first = motion(0.25, 0.5, return_U=True, return_A=True)
        motion(0.0, 0.125), motion(0.5, 0.75)
        again = motion(0.25, 0.5, return_U=True, return_A=True)
        assert all(torch.equal(one, other) for one, other in zip(first, again))

    def test_tree_across_the_end_of_a_block_raises(self, daemon):
        import torchsde

        outside = torchsde.BrownianInterval(0.0, 1.0, size=(2,))
        with metrng.torch_noise(allow_simulated=True):
            with pytest.raises(metrng.NotServed, match="two sources"):
                outside(0.1, 0.2)

    def test_imported_inside_a_block(self, daemon):
        code = (
            "import sys, metrng, torch\n"
            "with metrng.torch_noise(allow_simulated=True) as noise:\n"
            "    import torchsde\n"
            "    motion = torchsde.BrownianTree(0.0, torch.zeros(20), t1=1.0)\n"
            "    total = motion(0.0, 0.3) + motion(0.3, 1.0)\n"
            "    assert torch.allclose(total, motion(0.0, 1.0), atol=1e-5)\n"
            "    assert noise.report().draws['normal_'] >= 2\n"
            "print('ok')\n"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
        assert result.stdout.strip() == "ok", result.stderr


def test_a_child_forked_while_another_thread_opens(daemon):
    """The thread is the only one that could release what it holds, and is not in the child."""
    code = (
        "import metrng, os, signal, threading\n"
        "from metrng import words\n"
        "from metrng.torch.dispatcher import overrides\n"
        "held, never = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with words._lock, overrides._lock:\n"
        "        held.set()\n"
        "        never.wait()\n"
        "threading.Thread(target=hold, daemon=True).start()\n"
        "held.wait()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(20)\n"
        "    with metrng.torch_noise(allow_simulated=True):\n"
        "        os._exit(3)\n"
        "os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 3, result.stderr
