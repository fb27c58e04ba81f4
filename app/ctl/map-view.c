/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map-view.h"

#include "canvas.h"
#include "console/format.h"
#include "map-model.h"
#include "model/latency.h"

#define WHEEL_FROM 76        /* columns; narrower is drawn as a tree */
#define SPOKE_LABEL_FROM 110 /* columns; from here on the round trip stands on the spoke itself */
#define CARD_MAX 36
#define SERVICES_MAX 6 /* of a node; more are counted */

/* One line of what is said about a node. */
typedef struct
{
  gchar *text;
  EwStyle style;
} CardLine;

typedef struct
{
  const EwMapNode *node;
  GArray *lines; /* CardLine; the first is the name, on the spoke */
} Card;

typedef struct
{
  const EwTerminal *terminal;
  EwCanvas *canvas;
  gint64 now;
  gboolean as_last_seen;
  gdouble self_rtt_ms; /* this computer's leg; below 0: unknown */
  gint left, width;    /* where to draw */
  gint y;              /* the next free row */
} View;

#define SIGN(view, sign, plain) ew_terminal_sign ((view)->terminal, sign, plain)

static const gchar *
state_sign (View *view, EwMapNodeState state)
{
  switch (state)
    {
    case EW_MAP_NODE_ONLINE:
      return SIGN (view, "●", "*");
    case EW_MAP_NODE_AWAITING_APPROVAL:
      return SIGN (view, "◐", "!");
    case EW_MAP_NODE_NOT_JOINED:
      return SIGN (view, "◌", "+");
    case EW_MAP_NODE_WAS_ONLINE:
      return SIGN (view, "◍", "?");
    case EW_MAP_NODE_OFFLINE:
    default:
      return SIGN (view, "○", "o");
    }
}

static const gchar *
state_word (EwMapNodeState state)
{
  static const gchar *const words[] = { "online", "was online", "offline", "awaiting approval", "not joined yet" };
  return words[state];
}

/* Of a node that isn't online. */
static const gchar *
edge_word (View *view)
{
  return view->as_last_seen ? "not connected" : "offline";
}

static EwStyle
state_style (EwMapNodeState state)
{
  static const EwStyle styles[] = { EW_STYLE_GOOD, EW_STYLE_DIM, EW_STYLE_DIM, EW_STYLE_WARN, EW_STYLE_WARN };
  return styles[state];
}

static EwLine
state_line (EwMapNodeState state)
{
  return state == EW_MAP_NODE_ONLINE ? EW_LINE_SOLID : EW_LINE_DASHED;
}

/* At most width columns, the end cut visibly. (transfer full) */
static gchar *
fit (View *view, const gchar *text, gint width)
{
  const gchar *mark = SIGN (view, "…", "~");
  g_autofree gchar *head = NULL;

  if (g_utf8_strlen (text, -1) <= width)
    return g_strdup (text);
  head = g_utf8_substring (text, 0, MAX (width - 1, 0));
  return g_strconcat (head, mark, NULL);
}

static gint
columns (const gchar *text)
{
  return (gint)g_utf8_strlen (text, -1);
}

/* Cards. */

static void
card_add (Card *card, EwStyle style, gchar *text)
{
  CardLine line = { text, style };

  if (*text == '\0')
    g_free (text);
  else
    g_array_append_val (card->lines, line);
}

static void
card_line_clear (gpointer line)
{
  g_free (((CardLine *)line)->text);
}

static void
card_free (gpointer data)
{
  Card *card = data;

  g_array_unref (card->lines);
  g_free (card);
}

/* "" for online, now or when last seen: the sign says it, and the legend what it means. */
static gchar *
describe_state (View *view, const EwMapNode *node)
{
  g_autofree gchar *span = NULL;

  if (node->state == EW_MAP_NODE_ONLINE || node->state == EW_MAP_NODE_WAS_ONLINE)
    return g_strdup ("");
  if (node->state == EW_MAP_NODE_OFFLINE && node->last_seen > 0)
    {
      span = ew_format_span ((view->now - node->last_seen) / G_USEC_PER_SEC);
      return g_strdup_printf ("offline, last seen %s%s", span, g_str_equal (span, "now") ? "" : " ago");
    }
  return g_strdup (state_word (node->state));
}

/* The leg to the edge, and the sum of both legs from here: a sum, hence "≈". */
static void
card_add_round_trip (View *view, Card *card, gboolean leg_on_spoke)
{
  const EwMapNode *node = card->node;
  g_autofree gchar *leg = node->rtt_ms >= 0 ? ew_format_ms (node->rtt_ms) : NULL;
  g_autofree gchar *sum = NULL;

  if (leg == NULL || node->state != EW_MAP_NODE_ONLINE)
    return;
  if (!leg_on_spoke)
    card_add (card, EW_STYLE_PLAIN, g_strdup_printf ("%s to the edge", leg));
  if (node->self || view->self_rtt_ms < 0)
    return;
  sum = ew_format_ms (ew_latency_sum (view->self_rtt_ms, node->rtt_ms));
  card_add (card, EW_STYLE_PLAIN, g_strdup_printf ("%s %s from here", SIGN (view, "≈", "~"), sum));
}

static void
card_add_services (View *view, Card *card)
{
  const GPtrArray *services = card->node->services;
  guint n = services->len <= SERVICES_MAX ? services->len : SERVICES_MAX - 1;

  for (guint i = 0; i < n; i++)
    {
      const EwMapService *service = services->pdata[i];

      card_add (card, service->trouble != NULL ? EW_STYLE_BAD : EW_STYLE_ROUTE,
                g_strdup_printf ("%s %s %s", SIGN (view, "◇", "=>"), service->name, service->ports));
      if (service->trouble != NULL)
        card_add (card, EW_STYLE_BAD, g_strdup (service->trouble));
    }
  if (services->len > n)
    card_add (card, EW_STYLE_ROUTE, g_strdup_printf ("%s %u more services", SIGN (view, "◇", "=>"), services->len - n));
}

static Card *
card_new (View *view, const EwMapNode *node, gboolean leg_on_spoke)
{
  Card *card = g_new0 (Card, 1);

  card->node = node;
  card->lines = g_array_new (FALSE, FALSE, sizeof (CardLine));
  g_array_set_clear_func (card->lines, card_line_clear);
  card_add (card,
            node->self                          ? EW_STYLE_SELF
            : node->state == EW_MAP_NODE_ONLINE ? EW_STYLE_BOLD
                                                : EW_STYLE_DIM,
            g_strdup (node->name));
  if (node->self)
    card_add (card, EW_STYLE_SELF, g_strdup ("this computer"));
  card_add (card, EW_STYLE_DIM, g_strdup (node->kind));
  card_add (card, state_style (node->state), describe_state (view, node));
  if (node->https && node->state == EW_MAP_NODE_ONLINE)
    card_add (card, EW_STYLE_DIM, g_strdup ("via https"));
  if (node->problem != NULL)
    card_add (card, EW_STYLE_BAD, g_strdup (node->problem));
  for (guint i = 0; node->addresses[i] != NULL; i++)
    card_add (card, EW_STYLE_PLAIN, g_strdup (node->addresses[i]));
  card_add_round_trip (view, card, leg_on_spoke);
  if (node->rx_bytes > 0 || node->tx_bytes > 0)
    {
      g_autofree gchar *rx = ew_format_bytes (node->rx_bytes), *tx = ew_format_bytes (node->tx_bytes);
      card_add (card, EW_STYLE_DIM,
                g_strdup_printf ("%s %s  %s %s", SIGN (view, "↓", "in"), rx, SIGN (view, "↑", "out"), tx));
    }
  for (guint i = 0; node->routes[i] != NULL; i++)
    card_add (card, EW_STYLE_ROUTE, g_strdup_printf ("%s %s", SIGN (view, "⇄", "<->"), node->routes[i]));
  card_add_services (view, card);
  return card;
}

static GPtrArray *
cards_new (View *view, GPtrArray *nodes, guint first, guint step, gboolean leg_on_spoke)
{
  GPtrArray *cards = g_ptr_array_new_with_free_func (card_free);

  for (guint i = first; i < nodes->len; i += step)
    g_ptr_array_add (cards, card_new (view, g_ptr_array_index (nodes, i), leg_on_spoke));
  return cards;
}

static gint
cards_height (GPtrArray *cards)
{
  gint height = 0;

  for (guint i = 0; i < cards->len; i++)
    height += (gint)((Card *)g_ptr_array_index (cards, i))->lines->len + (i > 0);
  return height;
}

/* The wheel. Columns from the left: card, spoke, trunk (one column, which all spokes of that side meet), stub, hub;
   then the same mirrored. */

typedef struct
{
  gint card, spoke, stub, hub; /* widths */
  gint hub_x, hub_y;
  gboolean leg_on_spoke;
} Wheel;

static Wheel
wheel_measure (View *view, const EwMapEdge *edge)
{
  Wheel wheel = { 0 };
  gint text = MAX (columns (edge->name) + 2, columns (edge->endpoint));

  wheel.leg_on_spoke = view->width >= SPOKE_LABEL_FROM;
  wheel.hub = CLAMP (text + 4, 15, view->width * 3 / 10);
  wheel.spoke = wheel.leg_on_spoke ? 12 : 3;
  wheel.stub = wheel.leg_on_spoke ? 4 : 2;
  wheel.card = (view->width - wheel.hub) / 2 - wheel.spoke - 1 - wheel.stub;
  if (wheel.card > CARD_MAX)
    {
      gint spare = wheel.card - CARD_MAX;
      wheel.card = CARD_MAX;
      wheel.spoke += MIN (spare / 2, 6);
    }
  wheel.hub_x = view->left + (view->width - wheel.hub) / 2;
  return wheel;
}

static void
draw_hub (View *view, const Wheel *wheel, const EwMapEdge *edge)
{
  g_autofree gchar *title
    = g_strdup_printf ("%s %s", edge->online ? SIGN (view, "◉", "@") : SIGN (view, "◎", "o"), edge->name);
  const gchar *texts[] = { title, edge->endpoint, edge->online ? NULL : edge_word (view) };
  gint rows = edge->online ? 2 : 3;

  ew_canvas_box (view->canvas, wheel->hub_x, wheel->hub_y - 1, wheel->hub, rows + 2, EW_STYLE_HUB);
  for (gint i = 0; i < rows; i++)
    {
      g_autofree gchar *text = fit (view, texts[i], wheel->hub - 4);
      gint x = wheel->hub_x + (wheel->hub - columns (text)) / 2;
      ew_canvas_text (view->canvas, x, wheel->hub_y + i,
                      i == 0   ? EW_STYLE_HUB
                      : i == 1 ? EW_STYLE_DIM
                               : EW_STYLE_BAD,
                      text);
    }
}

/* is_left mirrors: the text ends at the spoke instead of beginning there. */
static void
draw_card (View *view, const Wheel *wheel, Card *card, gint trunk, gboolean is_left, gint y)
{
  const EwMapNode *node = card->node;
  gint symbol = is_left ? trunk - wheel->spoke - 1 : trunk + wheel->spoke + 1;
  EwStyle style = state_style (node->state);

  ew_canvas_horizontal (view->canvas, is_left ? symbol : trunk, is_left ? trunk : symbol, y, style,
                        state_line (node->state));
  ew_canvas_text (view->canvas, symbol, y, style, state_sign (view, node->state));
  if (wheel->leg_on_spoke && node->state == EW_MAP_NODE_ONLINE && node->rtt_ms >= 0)
    {
      g_autofree gchar *leg = ew_format_ms (node->rtt_ms);
      g_autofree gchar *label = g_strdup_printf (" %s ", leg);
      gint from = is_left ? symbol + 1 : trunk + 1;
      ew_canvas_text (view->canvas, from + (wheel->spoke - columns (label)) / 2, y, EW_STYLE_PLAIN, label);
    }
  for (guint i = 0; i < card->lines->len; i++)
    {
      CardLine *line = &g_array_index (card->lines, CardLine, i);
      g_autofree gchar *text = fit (view, line->text, wheel->card - 2);
      gint x = is_left ? symbol - 1 - columns (text) : symbol + 2;
      ew_canvas_text (view->canvas, x, y + (gint)i, line->style, text);
    }
}

/* One side's cards, spokes and trunk, and the stub to the hub. */
static void
draw_side (View *view, const Wheel *wheel, GPtrArray *cards, gboolean is_left, gint top, gint hub_row)
{
  gint trunk = is_left ? wheel->hub_x - wheel->stub - 1 : wheel->hub_x + wheel->hub + wheel->stub;
  gint first = hub_row, last = hub_row, y = top;

  for (guint i = 0; i < cards->len; i++)
    {
      Card *card = g_ptr_array_index (cards, i);
      first = MIN (first, y);
      last = MAX (last, y);
      y += (gint)card->lines->len + 1;
    }
  if (cards->len == 0)
    return;
  ew_canvas_vertical (view->canvas, trunk, first, last, EW_STYLE_HUB, EW_LINE_SOLID);
  ew_canvas_horizontal (view->canvas, is_left ? trunk : wheel->hub_x + wheel->hub - 1, is_left ? wheel->hub_x : trunk,
                        hub_row, EW_STYLE_HUB, EW_LINE_SOLID);
  y = top;
  for (guint i = 0; i < cards->len; i++)
    {
      Card *card = g_ptr_array_index (cards, i);
      draw_card (view, wheel, card, trunk, is_left, y);
      y += (gint)card->lines->len + 1;
    }
}

/* A side is centered; a single spoke leads straight to the hub. */
static gint
side_top (GPtrArray *cards, gint top, gint height, gint hub_row)
{
  return cards->len == 1 ? hub_row : top + (height - cards_height (cards)) / 2;
}

static void
draw_wheel (View *view, const EwMapEdge *edge, GPtrArray *nodes)
{
  Wheel wheel = wheel_measure (view, edge);
  g_autoptr (GPtrArray) left = cards_new (view, nodes, 0, 2, wheel.leg_on_spoke);
  g_autoptr (GPtrArray) right = cards_new (view, nodes, 1, 2, wheel.leg_on_spoke);
  gint left_height = cards_height (left), right_height = cards_height (right);
  gint height = MAX (MAX (left_height, right_height), 5);
  gint top = view->y;

  wheel.hub_y = top + (height - 2) / 2;
  draw_hub (view, &wheel, edge);
  draw_side (view, &wheel, left, TRUE, side_top (left, top, height, wheel.hub_y), wheel.hub_y);
  draw_side (view, &wheel, right, FALSE, side_top (right, top, height, wheel.hub_y), wheel.hub_y);
  view->y = MAX (top + height, (gint)ew_canvas_get_height (view->canvas));
}

/* The tree, for narrow terminals and for nodes that are at no edge. */

static gint
draw_flow (View *view, gint x, gint y, Card *card)
{
  gint from = x, dot_width = 3, right = view->left + view->width;

  for (guint i = 1; i < card->lines->len; i++)
    {
      CardLine *line = &g_array_index (card->lines, CardLine, i);
      gboolean is_first = from == x;
      g_autofree gchar *text = NULL;
      if (!is_first && from + dot_width + columns (line->text) > right)
        {
          y++;
          from = x;
          is_first = TRUE;
        }
      if (!is_first)
        {
          ew_canvas_text (view->canvas, from, y, EW_STYLE_DIM, SIGN (view, " · ", " | "));
          from += dot_width;
        }
      text = fit (view, line->text, right - from);
      ew_canvas_text (view->canvas, from, y, line->style, text);
      from += columns (text);
    }
  return y + 1;
}

static void
draw_tree (View *view, GPtrArray *nodes, gboolean has_hub)
{
  gint trunk = view->left + 1, symbol = trunk + 4, top = view->y, last = top;

  for (guint i = 0; i < nodes->len; i++)
    {
      g_autoptr (GPtrArray) one = cards_new (view, nodes, i, nodes->len, FALSE);
      Card *card = g_ptr_array_index (one, 0);
      CardLine *title = &g_array_index (card->lines, CardLine, 0);
      g_autofree gchar *name = fit (view, title->text, view->left + view->width - symbol - 2);
      EwStyle style = state_style (card->node->state);
      last = view->y;
      if (has_hub)
        ew_canvas_horizontal (view->canvas, trunk, symbol, last, style, state_line (card->node->state));
      ew_canvas_text (view->canvas, symbol, last, style, state_sign (view, card->node->state));
      ew_canvas_text (view->canvas, symbol + 2, last, title->style, name);
      view->y = draw_flow (view, symbol + 2, last + 1, card);
      if (i + 1 < nodes->len)
        view->y++;
    }
  if (has_hub && nodes->len > 0)
    ew_canvas_vertical (view->canvas, trunk, top - 2, last, EW_STYLE_HUB, EW_LINE_SOLID);
}

static void
draw_tree_hub (View *view, const EwMapEdge *edge)
{
  g_autofree gchar *text
    = g_strdup_printf ("%s %s  %s%s%s", edge->online ? SIGN (view, "◉", "@") : SIGN (view, "◎", "o"), edge->name,
                       edge->endpoint, edge->online ? "" : "  ", edge->online ? "" : edge_word (view));
  g_autofree gchar *fitted = fit (view, text, view->width - 1);

  ew_canvas_text (view->canvas, view->left + 1, view->y, EW_STYLE_HUB, fitted);
  view->y += 2;
}

/* The page. */

static void
draw_line (View *view, EwStyle style, const gchar *text)
{
  g_autofree gchar *fitted = fit (view, text, view->width - 1);

  ew_canvas_text (view->canvas, view->left + 1, view->y++, style, fitted);
}

static void
draw_heading (View *view, const EwMap *map, gboolean trial)
{
  guint online = 0;
  g_autofree gchar *count = NULL, *title = NULL;

  for (guint i = 0; i < map->nodes->len; i++)
    online += ((EwMapNode *)g_ptr_array_index (map->nodes, i))->state == EW_MAP_NODE_ONLINE;
  if (map->as_last_seen)
    count = g_strdup_printf ("%u node%s, as last seen", map->nodes->len, map->nodes->len == 1 ? "" : "s");
  else
    count = g_strdup_printf ("%u node%s, %u online", map->nodes->len, map->nodes->len == 1 ? "" : "s", online);
  title = g_strdup_printf ("%s%s%s", map->mesh, SIGN (view, " · ", ": "), count);
  draw_line (view, EW_STYLE_BOLD, title);
  if (trial)
    {
      draw_line (view, EW_STYLE_WARN, "This is a trial edge: other computers can't reach it.");
      draw_line (view, EW_STYLE_DIM, "For a mesh that stays, on a server: app/run --edge --public HOST:443");
    }
  view->y++;
}

static void
draw_legend (View *view, const EwMap *map)
{
  g_autoptr (GString) legend = g_string_new (NULL);

  for (guint state = EW_MAP_NODE_ONLINE; state <= EW_MAP_NODE_NOT_JOINED; state++)
    for (guint i = 0; i < map->nodes->len; i++)
      if (((EwMapNode *)g_ptr_array_index (map->nodes, i))->state == state)
        {
          g_string_append_printf (legend, "%s%s %s", legend->len > 0 ? "   " : "", state_sign (view, state),
                                  state_word (state));
          break;
        }
  view->y++;
  draw_line (view, EW_STYLE_DIM, legend->str);
}

static void
draw_edge (View *view, const EwMap *map, const EwMapEdge *edge)
{
  g_autoptr (GPtrArray) nodes = ew_map_nodes_of ((EwMap *)map, edge);

  if (edge == NULL && nodes->len == 0)
    return;
  if (edge == NULL)
    {
      draw_line (view, EW_STYLE_DIM, "Not at an edge");
      view->y++;
      draw_tree (view, nodes, FALSE);
    }
  else if (view->width >= WHEEL_FROM)
    draw_wheel (view, edge, nodes);
  else
    {
      draw_tree_hub (view, edge);
      draw_tree (view, nodes, TRUE);
    }
  view->y++;
}

GStrv
ew_map_view (JsonObject *json, const EwTerminal *terminal, gint64 now, gboolean trial)
{
  g_autoptr (EwMap) map = ew_map_new (json, terminal);
  guint width = CLAMP (terminal->width, EW_MAP_WIDTH_MIN, EW_MAP_WIDTH_MAX);
  g_autoptr (EwCanvas) canvas = ew_canvas_new (width);
  View view = { .terminal = terminal, .canvas = canvas, .now = now, .self_rtt_ms = -1, .width = (gint)width };

  view.as_last_seen = map->as_last_seen;
  for (guint i = 0; i < map->nodes->len; i++)
    {
      EwMapNode *node = g_ptr_array_index (map->nodes, i);
      if (node->self)
        view.self_rtt_ms = node->rtt_ms;
    }
  draw_heading (&view, map, trial);
  for (guint i = 0; i < map->edges->len; i++)
    draw_edge (&view, map, g_ptr_array_index (map->edges, i));
  draw_edge (&view, map, NULL);
  view.y--;
  draw_legend (&view, map);
  return ew_canvas_to_lines (canvas, terminal);
}
