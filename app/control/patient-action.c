/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/patient-action.h"

struct _EwPatientAction
{
  GObject parent_instance;
  GAction *inner;
};

enum
{
  PROP_0,
  PROP_NAME,
  PROP_PARAMETER_TYPE,
  PROP_ENABLED,
  PROP_STATE_TYPE,
  PROP_STATE,
};

enum
{
  KEPT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const gchar *
patient_get_name (GAction *action)
{
  return g_action_get_name (EW_PATIENT_ACTION (action)->inner);
}

static const GVariantType *
patient_get_parameter_type (GAction *action)
{
  return g_action_get_parameter_type (EW_PATIENT_ACTION (action)->inner);
}

static const GVariantType *
patient_get_state_type (GAction *action)
{
  return g_action_get_state_type (EW_PATIENT_ACTION (action)->inner);
}

static GVariant *
patient_get_state_hint (GAction *action)
{
  return g_action_get_state_hint (EW_PATIENT_ACTION (action)->inner);
}

static gboolean
patient_get_enabled (GAction *action)
{
  return g_action_get_enabled (EW_PATIENT_ACTION (action)->inner);
}

static GVariant *
patient_get_state (GAction *action)
{
  return g_action_get_state (EW_PATIENT_ACTION (action)->inner);
}

static void
patient_change_state (GAction *action, GVariant *value)
{
  EwPatientAction *self = EW_PATIENT_ACTION (action);
  if (g_action_get_enabled (self->inner))
    g_action_change_state (self->inner, value);
  else
    g_signal_emit (self, signals[KEPT], 0, self->inner, value, TRUE);
}

static void
patient_activate (GAction *action, GVariant *parameter)
{
  EwPatientAction *self = EW_PATIENT_ACTION (action);
  if (g_action_get_enabled (self->inner))
    g_action_activate (self->inner, parameter);
  else
    g_signal_emit (self, signals[KEPT], 0, self->inner, parameter, FALSE);
}

static void
implement_action (GActionInterface *iface)
{
  iface->get_name = patient_get_name;
  iface->get_parameter_type = patient_get_parameter_type;
  iface->get_state_type = patient_get_state_type;
  iface->get_state_hint = patient_get_state_hint;
  iface->get_enabled = patient_get_enabled;
  iface->get_state = patient_get_state;
  iface->change_state = patient_change_state;
  iface->activate = patient_activate;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EwPatientAction, ew_patient_action, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_ACTION, implement_action))

static void
on_inner_changed (EwPatientAction *self, GParamSpec *pspec)
{
  g_object_notify (G_OBJECT (self), pspec->name);
}

static void
ew_patient_action_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwPatientAction *self = EW_PATIENT_ACTION (object);
  g_object_get_property (G_OBJECT (self->inner), pspec->name, value);
}

static void
ew_patient_action_finalize (GObject *object)
{
  g_object_unref (EW_PATIENT_ACTION (object)->inner);
  G_OBJECT_CLASS (ew_patient_action_parent_class)->finalize (object);
}

static void
ew_patient_action_class_init (EwPatientActionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = ew_patient_action_get_property;
  object_class->finalize = ew_patient_action_finalize;
  g_object_class_override_property (object_class, PROP_NAME, "name");
  g_object_class_override_property (object_class, PROP_PARAMETER_TYPE, "parameter-type");
  g_object_class_override_property (object_class, PROP_ENABLED, "enabled");
  g_object_class_override_property (object_class, PROP_STATE_TYPE, "state-type");
  g_object_class_override_property (object_class, PROP_STATE, "state");
  signals[KEPT] = g_signal_new ("kept", EW_TYPE_PATIENT_ACTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                                G_TYPE_ACTION, G_TYPE_VARIANT, G_TYPE_BOOLEAN);
}

static void
ew_patient_action_init (EwPatientAction *self)
{
}

EwPatientAction *
ew_patient_action_new (GAction *inner)
{
  EwPatientAction *self = g_object_new (EW_TYPE_PATIENT_ACTION, NULL);
  self->inner = g_object_ref (inner);
  g_signal_connect_object (inner, "notify::enabled", G_CALLBACK (on_inner_changed), self, G_CONNECT_SWAPPED);
  if (g_action_get_state_type (inner) != NULL)
    g_signal_connect_object (inner, "notify::state", G_CALLBACK (on_inner_changed), self, G_CONNECT_SWAPPED);
  return self;
}
