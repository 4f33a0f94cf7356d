#!/usr/bin/env python3
"""Prints a software bill of materials of crates of this workspace: CycloneDX 1.5 as JSON, from `cargo metadata`.

Usage: tools/sbom.py NAME TARGET CRATE...
  tools/sbom.py softcp x86_64-unknown-linux-gnu softcp-cli softcp-ddi >sbom.cdx.json

Lists every crate whose code is in what CRATE builds to for TARGET: normal dependencies, without those that only run while
building. `cargo cyclonedx` would have to be built for this, which takes longer than the packages themselves.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from urllib.parse import quote


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    name, target, roots = sys.argv[1], sys.argv[2], sys.argv[3:]
    repository = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, cwd=repository, check=True, stdout=subprocess.PIPE).stdout)
    with open(os.path.join(repository, "Cargo.lock"), encoding="utf-8") as lock:
        entry = r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]*"\nchecksum = "([0-9a-f]{64})"'
        checksums = {(found[0], found[1]): found[2] for found in re.findall(entry, lock.read())}
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

    def is_macro(identifier):
        return any("proc-macro" in kind for t in packages[identifier]["targets"] for kind in t["kind"])

    def dependencies(identifier):
        """Normal dependencies that end up in the binary."""
        for dependency in nodes[identifier]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]) and not is_macro(dependency["pkg"]):
                yield dependency["pkg"]

    members = {packages[member]["name"]: member for member in metadata["workspace_members"]}
    todo, reached = [members[root] for root in roots], set()
    while todo:
        identifier = todo.pop()
        if identifier not in reached:
            reached.add(identifier)
            todo.extend(dependencies(identifier))

    def purl(identifier):
        package = packages[identifier]
        return f"pkg:cargo/{package['name']}@{quote(package['version'], safe='')}"

    def component(identifier):
        package = packages[identifier]
        result = {
            "type": "library",
            "bom-ref": purl(identifier),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(identifier),
            # An older form of "or", which is none of SPDX.
            "licenses": [{"expression": package["license"].replace("/", " OR ")}] if package["license"] else [],
        }
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            result["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return result

    ordered = sorted(reached, key=purl)
    version = packages[members[roots[0]]]["version"]
    ref = f"softcp-package:{name}@{version}"
    edges = [{"ref": ref, "dependsOn": sorted(purl(members[root]) for root in roots)}]
    edges += [{"ref": purl(i), "dependsOn": sorted(set(map(purl, dependencies(i))))} for i in ordered]
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # The same content has the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, target + ' '.join([ref, *map(purl, ordered)]))}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": ref, "name": name, "version": version}},
        "components": [component(identifier) for identifier in ordered],
        "dependencies": edges,
    }
    json.dump(bom, sys.stdout, indent=1)
    print()


main()
