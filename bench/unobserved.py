"""The service without what it is observed by: no request is counted. `python -m bench.unobserved`, as the service."""


def main() -> int:
    from clockifyrag_service.process import announce, serve
    from clockifyrag_service.settings import Settings
    from clockifyrag_service.threads import limit_library_threads

    settings = Settings()
    limit_library_threads(settings.max_workers)  # before numpy is imported, which the analytics use
    from clockifyrag_service.analytics import Analytics
    from clockifyrag_service.metrics import Metrics

    for counting, names in ((Metrics, ("request", "search", "stages")), (Analytics, ("record",))):
        for name in names:
            assert callable(getattr(counting, name)), f"{counting.__name__}.{name} is what counts"
            setattr(counting, name, not_counted)
    return serve(settings, announce)


def not_counted(*_: object) -> None:
    """Stands where something would be entered."""


if __name__ == "__main__":
    raise SystemExit(main())
