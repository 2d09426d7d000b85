"""Out of scope: the live stream proxy is the host application's own process."""

raise ImportError(
    "apps.proxy is not available: Plugarr runs plugins outside of Dispatcharr, whose live stream proxy stays there",
    name="apps.proxy",
)
