/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/code.h"

#include <math.h>
#include <qrencode.h>

#include "common/util.h"

#define QUIET_ZONE 4 /* modules around the code (ISO/IEC 18004, 6.3.8) */
#define PREFERRED_MODULE 4

struct _EwCode
{
  GObject parent_instance;
  QRcode *code; /* NULL: wiped */
};

static void ew_code_paintable_init (GdkPaintableInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (EwCode, ew_code, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (GDK_TYPE_PAINTABLE, ew_code_paintable_init))

static gboolean
is_dark (const QRcode *code, gint x, gint y)
{
  return code->data[y * code->width + x] & 1;
}

/* Neighbors in a row are one rectangle: no seams between them, and fewer nodes. */
static void
snapshot_row (GtkSnapshot *snapshot, const QRcode *code, gint y, gfloat module, gfloat left, gfloat top)
{
  const GdkRGBA black = { 0, 0, 0, 1 };
  for (gint x = 0; x < code->width; x++)
    {
      gint from = x;
      while (x < code->width && is_dark (code, x, y))
        x++;
      if (x > from)
        gtk_snapshot_append_color (snapshot, &black,
                                   &GRAPHENE_RECT_INIT (left + module * (gfloat)from, top + module * (gfloat)y,
                                                        module * (gfloat)(x - from), module));
    }
}

static void
ew_code_snapshot (GdkPaintable *paintable, GdkSnapshot *snapshot, double width, double height)
{
  EwCode *self = EW_CODE (paintable);
  const GdkRGBA white = { 1, 1, 1, 1 };
  gint modules = ew_code_get_modules (self);
  gfloat module, left, top;

  gtk_snapshot_append_color (snapshot, &white, &GRAPHENE_RECT_INIT (0, 0, (gfloat)width, (gfloat)height));
  if (self->code == NULL)
    return;
  module = (gfloat)(MIN (width, height) / modules);
  if (module >= 1)
    module = floorf (module);
  left = floorf (((gfloat)width - module * (gfloat)modules) / 2) + module * QUIET_ZONE;
  top = floorf (((gfloat)height - module * (gfloat)modules) / 2) + module * QUIET_ZONE;
  for (gint y = 0; y < self->code->width; y++)
    snapshot_row (snapshot, self->code, y, module, left, top);
}

static int
ew_code_get_size (GdkPaintable *paintable)
{
  return PREFERRED_MODULE * ew_code_get_modules (EW_CODE (paintable));
}

static double
ew_code_get_aspect (GdkPaintable *paintable)
{
  return 1;
}

static GdkPaintableFlags
ew_code_get_flags (GdkPaintable *paintable)
{
  return GDK_PAINTABLE_STATIC_SIZE;
}

static void
ew_code_paintable_init (GdkPaintableInterface *iface)
{
  iface->snapshot = ew_code_snapshot;
  iface->get_intrinsic_width = ew_code_get_size;
  iface->get_intrinsic_height = ew_code_get_size;
  iface->get_intrinsic_aspect_ratio = ew_code_get_aspect;
  iface->get_flags = ew_code_get_flags;
}

gint
ew_code_get_modules (EwCode *self)
{
  return self->code != NULL ? self->code->width + 2 * QUIET_ZONE : 1;
}

static void
free_code (EwCode *self)
{
  if (self->code == NULL)
    return;
  ew_zero (self->code->data, (gsize)self->code->width * (gsize)self->code->width);
  g_clear_pointer (&self->code, QRcode_free);
}

void
ew_code_wipe (EwCode *self)
{
  free_code (self);
  gdk_paintable_invalidate_contents (GDK_PAINTABLE (self));
}

EwCode *
ew_code_new (const gchar *text)
{
  QRcode *code = QRcode_encodeString8bit (text, 0, QR_ECLEVEL_L);
  EwCode *self;
  if (code == NULL)
    return NULL;
  self = g_object_new (EW_TYPE_CODE, NULL);
  self->code = code;
  return self;
}

static void
ew_code_finalize (GObject *object)
{
  free_code (EW_CODE (object));
  G_OBJECT_CLASS (ew_code_parent_class)->finalize (object);
}

static void
ew_code_class_init (EwCodeClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ew_code_finalize;
}

static void
ew_code_init (EwCode *self)
{
}
