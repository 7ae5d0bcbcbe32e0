"""The service, telling what it imported: `python -m bench.imported FILE`, a name a line once it has ended."""

import sys
from pathlib import Path


def imported() -> list[str]:
    """Names of the modules that stand here and can be imported by their name, in the order they came."""
    found = [(name, getattr(module, "__spec__", None)) for name, module in list(sys.modules.items())]
    return [name for name, spec in found if spec is not None and spec.name == name and not name.startswith("bench")]


def main() -> int:
    from clockifyrag_service.process import main as serve

    code = serve()
    Path(sys.argv[1]).write_text("\n".join(imported()))
    return code


if __name__ == "__main__":
    sys.exit(main())
