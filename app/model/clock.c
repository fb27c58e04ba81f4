/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock.h"

#define SCHEMA "org.gnome.desktop.interface"
#define KEY "clock-format"

/* NULL: the desktop has no such settings. Kept, so that changes are followed. */
static GSettings *
desktop_settings (void)
{
  static gsize looked = 0;
  static GSettings *settings = NULL;

  if (g_once_init_enter (&looked))
    {
      GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
      g_autoptr (GSettingsSchema) schema
        = source != NULL ? g_settings_schema_source_lookup (source, SCHEMA, TRUE) : NULL;
      if (schema != NULL && g_settings_schema_has_key (schema, KEY))
        settings = g_settings_new_full (schema, NULL, NULL);
      g_once_init_leave (&looked, 1);
    }
  return settings;
}

gboolean
ew_clock_has_twelve_hours (void)
{
  GSettings *settings = desktop_settings ();
  g_autofree gchar *format = settings != NULL ? g_settings_get_string (settings, KEY) : NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *half = g_date_time_format (now, "%p");

  return g_strcmp0 (format, "12h") == 0 && half != NULL && *half != '\0';
}
