"""M3U accounts and their profiles."""

from django.db import models


class ServerGroup(models.Model):
    """Servers that share a limit."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return str(self.name)


class M3UAccount(models.Model):
    """A provider's playlist. A new one gets a profile called `<name> Default`."""

    class Types(models.TextChoices):
        STADNARD = "STD", "Standard"
        XC = "XC", "Xtream Codes"

    class Status(models.TextChoices):
        IDLE = "idle", "Idle"
        FETCHING = "fetching", "Fetching"
        PARSING = "parsing", "Parsing"
        ERROR = "error", "Error"
        SUCCESS = "success", "Success"
        PENDING_SETUP = "pending_setup", "Pending Setup"
        DISABLED = "disabled", "Disabled"

    name = models.CharField(max_length=255, unique=True)
    server_url = models.URLField(max_length=1000, blank=True, null=True)
    file_path = models.CharField(max_length=255, blank=True, null=True)
    server_group = models.ForeignKey(
        ServerGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="m3u_accounts"
    )
    max_streams = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.IDLE)
    last_message = models.TextField(null=True, blank=True)
    user_agent = models.ForeignKey(
        "core.UserAgent", on_delete=models.SET_NULL, null=True, blank=True, related_name="m3u_accounts"
    )
    locked = models.BooleanField(default=False)
    stream_profile = models.ForeignKey(
        "core.StreamProfile", on_delete=models.SET_NULL, null=True, blank=True, related_name="m3u_accounts"
    )
    account_type = models.CharField(max_length=10, choices=Types.choices, default=Types.STADNARD)
    username = models.CharField(max_length=255, null=True, blank=True)
    password = models.CharField(max_length=255, null=True, blank=True)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)
    refresh_interval = models.IntegerField(default=0)
    refresh_task = models.ForeignKey(
        "django_celery_beat.PeriodicTask", on_delete=models.SET_NULL, null=True, blank=True
    )
    stale_stream_days = models.PositiveIntegerField(default=7)
    priority = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def get_custom_account(cls) -> "M3UAccount":
        """The account of streams that no provider has."""
        return cls.objects.get(name="custom", locked=True)


class M3UAccountProfile(models.Model):
    """Another way to reach an account's streams."""

    m3u_account = models.ForeignKey(M3UAccount, on_delete=models.CASCADE, related_name="profiles")
    name = models.CharField(max_length=255)
    is_default = models.BooleanField(default=False)
    max_streams = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    search_pattern = models.CharField(max_length=255)
    replace_pattern = models.CharField(max_length=255)
    current_viewers = models.PositiveIntegerField(default=0)
    custom_properties = models.JSONField(default=dict, blank=True, null=True)
    exp_date = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("m3u_account", "name"), name="unique_account_name"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.m3u_account_id})"
