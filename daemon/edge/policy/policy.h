/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy: who may open flows to whom, as its administrators write it. One JSON document:
 *
 *   { "default": "deny",
 *     "rules": [
 *       { "name": "web", "from": ["group:staff", "nas"], "to": "service:web", "ports": [443, "8000-8010"], "action": "allow" },
 *       { "name": "ping", "from": "*", "to": "*", "protocol": "icmp", "action": "allow", "comment": "for support" } ],
 *     "tests": [ "nas may reach service:web:443", "guest may not reach nas" ] }
 *
 * The first rule that fits decides; where none does, the default. An end is `NAME` (a node), `tag:NAME`, `group:NAME`,
 * `service:NAME` (as "to" alone), an address or a CIDR, or `*`. A node, a tag and a group are the mesh's own addresses of
 * those nodes, never the networks behind them: those are named by their CIDR. `*` is everybody and everything, services
 * and the internet included. Without "protocol" a rule is about every protocol, or, with "ports", about TCP and UDP.
 *
 * Pure: JSON in, plain values out.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_POLICY_SIZE_MAX (1024 * 1024) /* bytes of the document */
#define EW_POLICY_RULES_MAX 2000
#define EW_POLICY_TESTS_MAX 1000
#define EW_POLICY_ENDS_MAX 64       /* of a rule's "from", and of its "to" */
#define EW_POLICY_ALL_ENDS_MAX 8000 /* of all rules */
#define EW_POLICY_PORTS_MAX 64      /* ranges of a rule */
#define EW_POLICY_ALL_PORTS_MAX 4000
#define EW_POLICY_PROTOCOLS_MAX 16
#define EW_POLICY_NAME_MAX 64     /* characters */
#define EW_POLICY_COMMENT_MAX 500 /* characters */

typedef enum
{
  EW_POLICY_ANYONE,
  EW_POLICY_NODE,
  EW_POLICY_TAG,
  EW_POLICY_GROUP,
  EW_POLICY_SERVICE,
  EW_POLICY_CIDR
} EwPolicyKind;

/* One end of a rule or a test. */
typedef struct
{
  EwPolicyKind kind;
  gchar *text;     /* "nas", "tag:web", "10.0.0.0/8", "*": one text for one meaning */
  EwPrefix prefix; /* of EW_POLICY_CIDR */
} EwPolicyEnd;

typedef struct
{
  guint16 first, last; /* 1…65535 */
} EwPolicyPorts;

typedef struct
{
  gchar *name, *comment; /* NULL: none */
  EwPolicyEnd *from, *to;
  gsize n_from, n_to;
  guint64 protocols[4]; /* a bit for each */
  EwPolicyPorts *ports; /* sorted, apart from each other */
  gsize n_ports;        /* 0: any, and packets without ports */
  gboolean allow;
} EwPolicyRule;

/* "FROM may reach TO[:PORT[/PROTOCOL]]", "FROM may not reach …". */
typedef struct
{
  gchar *text; /* as it was written */
  EwPolicyEnd from, to;
  gboolean may;
  guint8 protocol; /* of the port: TCP where it isn't said */
  guint16 port;    /* 0: any protocol and port at all */
} EwPolicyTest;

typedef struct
{
  gboolean allow; /* the default */
  EwPolicyRule *rules;
  gsize n_rules;
  EwPolicyTest *tests;
  gsize n_tests;
} EwPolicy;

/* NULL with EW_ERROR_INVALID_ARGUMENT or EW_ERROR_TOO_LARGE: the sentence says where (`Rule 3, "ports": …`; rules are
   counted from 1), what is wrong, and what to write. Unknown members are refused: a misspelled one would change what the
   policy means. What the names stand for isn't looked at. (transfer full) */
EwPolicy *ew_policy_parse (const gchar *json, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_policy_free (EwPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPolicy, ew_policy_free)

/* Reads one end as in a rule. FALSE: *error says what it isn't, without saying where. out->text: (transfer full) */
gboolean ew_policy_end_parse (const gchar *text, EwPolicyEnd *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Reads one sentence as in "tests". Freed with ew_policy_test_clear(). */
gboolean ew_policy_test_parse (const gchar *text, EwPolicyTest *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ew_policy_test_clear (EwPolicyTest *test);
/* The number of "tcp", "udp", "sctp", "dccp", "icmp" (ICMPv6 belongs to it), "0"…"255"; -1: it's none. */
gint ew_policy_protocol_parse (const gchar *text);

/* Protocols whose packets have ports: TCP, UDP, SCTP, DCCP. */
gboolean ew_policy_has_ports (guint8 protocol);

static inline gboolean
ew_policy_rule_has_protocol (const EwPolicyRule *rule, guint8 protocol)
{
  return (rule->protocols[protocol >> 6] >> (protocol & 63) & 1) != 0;
}

G_END_DECLS
