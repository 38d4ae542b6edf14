# SPDX-License-Identifier: Apache-2.0
"""Builds metrng._native around the sources of libmetrng.

In a checkout the sources are those of Sources/Clients/CMetrng, copied to libmetrng/ so that a source distribution is
complete; in a source distribution they are there already.
"""

import pathlib
import shutil

from setuptools import Extension, setup

here = pathlib.Path(__file__).resolve().parent
library = here / "libmetrng"
checkout = here.parent / "Sources" / "Clients" / "CMetrng"


def copy_library() -> None:
    """Makes libmetrng/ the same as the sources in the checkout; unchanged files keep their time."""
    wanted = {path.relative_to(checkout) for path in checkout.rglob("*.[ch]")}
    for path in library.rglob("*.[ch]"):
        if path.relative_to(library) not in wanted:
            path.unlink()
    for name in wanted:
        source, copy = checkout / name, library / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


if checkout.is_dir():
    copy_library()

names = sorted(path.relative_to(here).as_posix() for path in library.rglob("*.c"))
native = sorted(path.relative_to(here).as_posix() for path in (here / "src" / "native").glob("*.c"))
headers = sorted(
    path.relative_to(here).as_posix() for folder in (library, here / "src" / "native") for path in folder.rglob("*.h")
)

setup(
    ext_modules=[
        Extension(
            "metrng._native",
            [*native, *names],
            include_dirs=["libmetrng", "libmetrng/include", "src/native"],
            depends=headers,
            define_macros=[("Py_LIMITED_API", "0x030A0000")],
            extra_compile_args=["-std=gnu11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
            libraries=["m", "pthread"],
            py_limited_api=True,
        )
    ]
)
