"""Films, series and episodes, and which account has them."""

import uuid

from django.db import models


class VODLogo(models.Model):
    """A poster."""

    name = models.CharField(max_length=255)
    url = models.TextField(unique=True)

    def __str__(self) -> str:
        return str(self.name)


class VODCategory(models.Model):
    """A provider's category."""

    CATEGORY_TYPE_CHOICES = (("movie", "Movie"), ("series", "Series"))

    name = models.CharField(max_length=255)
    category_type = models.CharField(max_length=10, choices=CATEGORY_TYPE_CHOICES, default="movie")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        unique_together = (("name", "category_type"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.category_type})"


class _Title(models.Model):
    """What films and series have in common."""

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, null=True)
    year = models.IntegerField(blank=True, null=True)
    rating = models.CharField(max_length=10, blank=True, null=True)
    genre = models.CharField(max_length=255, blank=True, null=True)
    tmdb_id = models.CharField(max_length=50, blank=True, null=True, db_index=True)
    imdb_id = models.CharField(max_length=50, blank=True, null=True, db_index=True)
    logo = models.ForeignKey(
        VODLogo, on_delete=models.SET_NULL, null=True, blank=True, related_name="%(class)s"
    )
    custom_properties = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.year})" if self.year else str(self.name)


class Series(_Title):
    """A series."""

    class Meta:
        verbose_name_plural = "Series"


class Movie(_Title):
    """A film."""

    duration_secs = models.IntegerField(blank=True, null=True)


class Episode(models.Model):
    """An episode of a series."""

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, null=True)
    air_date = models.DateField(blank=True, null=True)
    rating = models.CharField(max_length=10, blank=True, null=True)
    duration_secs = models.IntegerField(blank=True, null=True)
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="episodes")
    season_number = models.IntegerField(blank=True, null=True)
    episode_number = models.IntegerField(blank=True, null=True)
    tmdb_id = models.CharField(max_length=50, blank=True, null=True, db_index=True)
    imdb_id = models.CharField(max_length=50, blank=True, null=True, db_index=True)
    custom_properties = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        unique_together = (("series", "season_number", "episode_number"),)

    def __str__(self) -> str:
        return f"{self.series_id} - S{self.season_number}E{self.episode_number} - {self.name}"


class M3UMovieRelation(models.Model):
    """An account's film."""

    m3u_account = models.ForeignKey(
        "m3u.M3UAccount", on_delete=models.CASCADE, related_name="movie_relations"
    )
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="m3u_relations")
    category = models.ForeignKey(VODCategory, on_delete=models.SET_NULL, null=True, blank=True)
    stream_id = models.CharField(max_length=255)
    container_extension = models.CharField(max_length=10, blank=True, null=True)
    custom_properties = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_advanced_refresh = models.DateTimeField(blank=True, null=True)
    last_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        unique_together = (("m3u_account", "stream_id"),)

    def __str__(self) -> str:
        return f"{self.m3u_account_id} - {self.movie_id}"


class M3USeriesRelation(models.Model):
    """An account's series."""

    m3u_account = models.ForeignKey(
        "m3u.M3UAccount", on_delete=models.CASCADE, related_name="series_relations"
    )
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="m3u_relations")
    category = models.ForeignKey(VODCategory, on_delete=models.SET_NULL, null=True, blank=True)
    external_series_id = models.CharField(max_length=255)
    custom_properties = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_episode_refresh = models.DateTimeField(blank=True, null=True)
    last_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        unique_together = (("m3u_account", "external_series_id"),)

    def __str__(self) -> str:
        return f"{self.m3u_account_id} - {self.series_id}"


class M3UEpisodeRelation(models.Model):
    """An account's episode."""

    m3u_account = models.ForeignKey(
        "m3u.M3UAccount", on_delete=models.CASCADE, related_name="episode_relations"
    )
    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="m3u_relations")
    series_relation = models.ForeignKey(
        M3USeriesRelation, on_delete=models.CASCADE, null=True, blank=True, related_name="episode_relations"
    )
    stream_id = models.CharField(max_length=255)
    container_extension = models.CharField(max_length=10, blank=True, null=True)
    custom_properties = models.JSONField(blank=True, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        unique_together = (("m3u_account", "stream_id"),)

    def __str__(self) -> str:
        return f"{self.m3u_account_id} - {self.episode_id}"


class M3UVODCategoryRelation(models.Model):
    """Whether an account's category is used."""

    m3u_account = models.ForeignKey(
        "m3u.M3UAccount", on_delete=models.CASCADE, related_name="category_relations"
    )
    category = models.ForeignKey(VODCategory, on_delete=models.CASCADE, related_name="m3u_relations")
    enabled = models.BooleanField(default=False)
    custom_properties = models.JSONField(blank=True, null=True)

    class Meta:
        unique_together = (("m3u_account", "category"),)

    def __str__(self) -> str:
        return f"{self.m3u_account_id} - {self.category_id}"
