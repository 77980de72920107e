"""The minimum supported Rust version (MSRV), as far as one toolchain can prove it.

    msrv.py METADATA "$(rustc --version)" Dockerfile

Every crate of the workspace states the same `rust-version`, no dependency asks for a newer one, and the
image is built with it. That it really compiles is proved by the other steps when the toolchain that runs
is that version; otherwise this says so.
"""

import json
import re
import sys
from pathlib import Path


def version(text):
    """`1.95` and `1.95.0` are one version."""
    parts = [int(part) for part in text.split("-")[0].split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def main(metadata, rustc, dockerfile):
    metadata = json.loads(Path(metadata).read_text())
    packages = {package["id"]: package for package in metadata["packages"]}
    ours = [packages[member] for member in metadata["workspace_members"]]
    stated = {package["name"]: package["rust_version"] for package in ours}
    if len(set(stated.values())) != 1 or None in stated.values():
        sys.exit(f"the crates state different versions: {stated}")
    msrv = next(iter(stated.values()))

    wrong = [
        f"{package['name']} {package['version']} needs Rust {package['rust_version']}"
        for package in metadata["packages"]
        if package["rust_version"] and version(package["rust_version"]) > version(msrv)
    ]
    image = re.search(r"^FROM rust:([0-9.]+)", Path(dockerfile).read_text(), re.MULTILINE)
    if not image or version(image[1])[:2] != version(msrv)[:2]:
        wrong.append(f"{dockerfile} is not built with Rust {msrv}")
    running = rustc.split()[1]
    if version(running) < version(msrv):
        wrong.append(f"the toolchain is {running}")
    if wrong:
        sys.exit(f"rust-version is {msrv}, but:\n  " + "\n  ".join(wrong))

    print(f"rust-version {msrv}: stated by {len(ours)} crates, no dependency needs a newer one")
    if version(running)[:2] == version(msrv)[:2]:
        print(f"the toolchain that compiles here is {running}, so it is proved to compile")
    else:
        print(f"not proved to compile: the toolchain here is {running}, newer than {msrv}")


main(*sys.argv[1:])
