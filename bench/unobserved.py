"""The service without metrics: no request is counted for Prometheus. `python -m bench.unobserved`, as the service."""


def main() -> int:
    from clockifyrag_service.metrics import Metrics
    from clockifyrag_service.process import announce, serve
    from clockifyrag_service.settings import Settings

    for name in ("request", "search", "stages"):
        assert callable(getattr(Metrics, name)), f"Metrics.{name} is what counts"
        setattr(Metrics, name, not_counted)
    return serve(Settings(), announce)


def not_counted(*_: object) -> None:
    """Stands where something would be entered."""


if __name__ == "__main__":
    raise SystemExit(main())
