/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The layout's promises, on random meshes that nodes join and leave: what may never overlap, what must be where, and
 * what may not move.
 */
#include "map/layout.h"

#include <math.h>

#define EPSILON 1e-6

typedef struct
{
  GArray *nodes; /* EwLayoutNode */
  GPtrArray *ids;
  EwSlots *slots;
  EwLayoutInput input;
  guint next;
} Mesh;

static void
mesh_add (Mesh *mesh, EwSector sector)
{
  EwLayoutNode node = { .sector = sector, .self = mesh->nodes->len == 0 };

  g_ptr_array_add (mesh->ids, g_strdup_printf ("node-%u", mesh->next++));
  node.id = g_ptr_array_index (mesh->ids, mesh->ids->len - 1);
  node.name_width = 24 + g_random_int_range (0, 90);
  node.state_width = 20 + g_random_int_range (0, 60);
  node.detail_width = node.state_width + 70;
  node.trouble = g_random_int_range (0, 5) == 0;
  if (sector == EW_SECTOR_SITES)
    {
      node.leaf_width = 130;
      node.leaf_height = 42;
    }
  g_array_append_val (mesh->nodes, node);
}

static void
mesh_init (Mesh *mesh, guint n, gdouble width, gdouble height)
{
  *mesh = (Mesh){ .nodes = g_array_new (FALSE, TRUE, sizeof (EwLayoutNode)),
                  .ids = g_ptr_array_new_with_free_func (g_free),
                  .slots = ew_slots_new () };
  mesh->input.width = width;
  mesh->input.height = height;
  mesh->input.name_height = 20;
  mesh->input.detail_height = 18;
  for (guint i = 0; i < EW_N_SECTORS; i++)
    mesh->input.sector_width[i] = 50;
  for (guint i = 0; i < n; i++)
    mesh_add (mesh, g_random_int_range (0, EW_N_SECTORS));
}

static void
mesh_clear (Mesh *mesh)
{
  g_array_unref (mesh->nodes);
  g_ptr_array_unref (mesh->ids);
  ew_slots_free (mesh->slots);
}

static EwLayout *
mesh_layout (Mesh *mesh)
{
  mesh->input.nodes = (const EwLayoutNode *)mesh->nodes->data;
  mesh->input.n_nodes = mesh->nodes->len;
  return ew_layout_new (&mesh->input, mesh->slots);
}

static gdouble
distance (EwPoint a, EwPoint b)
{
  return hypot (a.x - b.x, a.y - b.y);
}

static void
check_token (const EwLayout *layout, const EwLayoutInput *input, guint i)
{
  const EwLayoutPlace *place = &layout->places[i];

  g_assert_cmpfloat (place->centre.x - place->size / 2, >=, 0);
  g_assert_cmpfloat (place->centre.y - place->size / 2, >=, 0);
  g_assert_cmpfloat (place->centre.x + place->size / 2, <=, input->width);
  g_assert_cmpfloat (place->centre.y + place->size / 2, <=, input->height);
  g_assert_cmpfloat (place->size, >, 0);
  g_assert_cmpfloat_with_epsilon (distance (place->port, layout->centre), layout->edge_radius, 0.01);
  g_assert_cmpfloat (distance (place->centre, layout->centre), >, layout->edge_radius + place->size / 2);
  if (input->nodes[i].self)
    {
      g_assert_cmpfloat_with_epsilon (place->centre.x, layout->centre.x, EPSILON);
      g_assert_cmpfloat (place->centre.y, >, layout->centre.y);
      g_assert_cmpfloat_with_epsilon (place->port.x, layout->centre.x, EPSILON);
    }
}

/* Rounded squares at any angle: their corners count. Seats are dots. */
static void
check_apart (const EwLayout *layout, guint i, guint j)
{
  const EwLayoutPlace *a = &layout->places[i], *b = &layout->places[j];

  if (layout->mode == EW_LAYOUT_SEATS)
    {
      if (layout->nodes_per_seat == 1 || (a->leads && b->leads))
        g_assert_cmpfloat (distance (a->centre, b->centre), >=, (a->size + b->size) / 2 - EPSILON);
    }
  else
    g_assert_cmpfloat (distance (a->centre, b->centre), >=, a->size);
}

/* The whole rectangle, turned or not. */
static gboolean
is_within (const EwLayoutInput *input, const EwBox *box)
{
  gdouble c = fabs (cos (box->angle)), s = fabs (sin (box->angle));
  gdouble half_x = (c * box->width + s * box->height) / 2, half_y = (s * box->width + c * box->height) / 2;

  return box->x - half_x >= 0 && box->x + half_x <= input->width && box->y - half_y >= 0
         && box->y + half_y <= input->height;
}

static void
check_label (const EwLayout *layout, const EwLayoutInput *input, const EwLayoutLabel *label, guint own)
{
  EwBox edge = { layout->centre.x, layout->centre.y, 2 * layout->edge_radius, 2 * layout->edge_radius, 0 };

  if (label->lines == 0)
    return;
  g_assert_true (is_within (input, &label->box));
  g_assert_false (ew_box_overlaps (&label->box, &edge));
  for (guint i = 0; i < layout->n_places; i++)
    {
      const EwLayoutPlace *place = &layout->places[i];
      EwBox token = { place->centre.x, place->centre.y, place->size, place->size, 0 };

      g_assert_false (ew_box_overlaps (&label->box, &token));
      if (i != own && place->label.lines > 0)
        g_assert_false (ew_box_overlaps (&label->box, &place->label.box));
      if (place->has_leaf)
        g_assert_false (ew_box_overlaps (&label->box, &place->leaf));
    }
  for (guint i = 0; i < input->n_reserved; i++)
    g_assert_false (ew_box_overlaps (&label->box, &input->reserved[i]));
  for (guint s = 0; s < EW_N_SECTORS; s++)
    if (layout->sectors[s].name_shown)
      g_assert_false (ew_box_overlaps (&label->box, &layout->sectors[s].name));
}

/* A shown state is never cut, and enough of a name is left to recognise it. */
static void
check_words (const EwLayout *layout, const EwLayoutInput *input, guint i)
{
  const EwLayoutLabel *label = &layout->places[i].label;
  const EwLayoutNode *node = &input->nodes[i];
  gdouble second = label->lines < 2 ? 0 : label->brief ? node->state_width : node->detail_width;
  gdouble least = node->name_least > 0 ? MIN (node->name_least, node->name_width) : node->name_width;

  if (label->lines == 0)
    return;
  if (layout->mode == EW_LAYOUT_COMPACT && second > 0)
    g_assert_cmpfloat (label->box.width, >=, least + EW_LABEL_GAP + second - EPSILON);
  else
    g_assert_cmpfloat (label->box.width, >=, MAX (least, second) - EPSILON);
}

static void
check_pills (const EwLayout *layout, const EwLayoutInput *input)
{
  for (guint i = 1; i < layout->n_places; i++)
    {
      gdouble text = ew_layout_text (input);
      EwBox pills[2];
      guint n = ew_layout_pill (layout, 0, 50 * text, 21 * text, NULL, 0, &pills[0]);

      n += ew_layout_pill (layout, i, 50 * text, 21 * text, pills, n, &pills[n]);
      if (n == 2)
        g_assert_false (ew_box_overlaps (&pills[0], &pills[1]));
      for (guint k = 0; k < n; k++)
        for (guint s = 0; s < EW_N_SECTORS; s++)
          if (layout->sectors[s].name_shown)
            g_assert_false (ew_box_overlaps (&pills[k], &layout->sectors[s].name));
    }
}

static void
check_layout (const EwLayout *layout, const EwLayoutInput *input)
{
  for (guint i = 0; i < layout->n_places; i++)
    {
      check_token (layout, input, i);
      for (guint j = i + 1; j < layout->n_places; j++)
        check_apart (layout, i, j);
      check_label (layout, input, &layout->places[i].label, i);
      if (layout->mode != EW_LAYOUT_SEATS)
        check_words (layout, input, i);
    }
  for (guint s = 0; s < EW_N_SECTORS && layout->mode == EW_LAYOUT_SEATS; s++)
    check_label (layout, input, &layout->sectors[s].label, G_MAXUINT);
}

static const gdouble sizes[][2]
  = { { 1180, 616 }, { 360, 300 }, { 360, 600 }, { 800, 520 }, { 2560, 1300 }, { 60, 40 } };

static void
test_counts (void)
{
  static const guint counts[] = { 0, 1, 2, 3, 9, 15, 16, 17, 32, 33, 34, 64, 200, 1000, 3000, 4000, 4001, 5000 };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
      {
        Mesh mesh;
        g_autoptr (EwLayout) layout = NULL;

        mesh_init (&mesh, counts[i], sizes[k][0], sizes[k][1]);
        mesh.input.reserved[0] = ew_box_new (16, 16, 214, 190);
        mesh.input.n_reserved = 1;
        layout = mesh_layout (&mesh);
        g_assert_cmpint (layout->mode, ==,
                         counts[i] <= 16   ? EW_LAYOUT_FULL
                         : counts[i] <= 32 ? EW_LAYOUT_COMPACT
                                           : EW_LAYOUT_SEATS);
        check_layout (layout, &mesh.input);
        mesh_clear (&mesh);
      }
}

/* The words of one mesh in letters: a bold one is 8.4 px wide, one of a second line 6.6. */
static void
fill_words (Mesh *mesh, guint n, guint letters, gdouble text)
{
  static const guint states[] = { 7, 22, 17, 7, 18, 6 };

  mesh->input.text = text;
  mesh->input.name_height = 20 * text;
  mesh->input.detail_height = 18 * text;
  for (guint i = 0; i < EW_N_SECTORS; i++)
    mesh->input.sector_width[i] = 50 * text;
  for (guint i = 0; i < n; i++)
    {
      EwLayoutNode *node;

      mesh_add (mesh, i % 9 == 8 ? EW_SECTOR_SITES : i % 9 < 4 ? EW_SECTOR_DEVICES : EW_SECTOR_SERVERS);
      node = &g_array_index (mesh->nodes, EwLayoutNode, i);
      node->name_width = ceil (MIN (letters * 8.4, 190) * text);
      node->name_least = ceil (60 * text);
      node->state_width = ceil (states[i % G_N_ELEMENTS (states)] * 6.6 * text);
      node->detail_width = node->state_width + ceil ((i % 2 ? 39 : 11) * 6.6 * text);
      node->trouble = i % 6 == 1 || i % 6 == 2;
      node->selected = i == n / 2;
      node->leaf_width *= text;
      node->leaf_height *= text;
    }
}

/* How many labels say everything that they must. */
static guint
count_whole (const EwLayout *layout)
{
  guint n = 0;

  for (guint i = 0; i < layout->n_places; i++)
    n += layout->places[i].label.lines == 2;
  return n;
}

static void
check_card (const EwLayout *layout, EwLayoutInput *input)
{
  gdouble text = ew_layout_text (input);
  const EwCardShape shapes[] = { { 300 * text, 300 * text, 130 + 90 * text },
                                 { 240 * text, 200 * text, 130 + 90 * text },
                                 { 200 * text, 120 * text, 12 + 20 * text } };
  gboolean is_placed = FALSE;
  guint shape = 0;
  EwBox card;

  for (guint k = 0; k < (G_N_ELEMENTS (shapes) + 1) * EW_CARD_CORNERS && !is_placed; k++)
    {
      shape = MIN (k / EW_CARD_CORNERS, G_N_ELEMENTS (shapes) - 1);
      is_placed = ew_layout_card (layout, input, &shapes[shape], 8, k % EW_CARD_CORNERS, FALSE,
                                  k / EW_CARD_CORNERS == G_N_ELEMENTS (shapes), &card);
    }
  if (!is_placed)
    return;
  g_assert_true (is_within (input, &card));
  g_assert_cmpfloat (card.width, >=, shapes[shape].least);
  for (guint i = 0; i < layout->n_places; i++)
    {
      const EwLayoutPlace *place = &layout->places[i];
      EwBox token = { place->centre.x, place->centre.y, place->size, place->size, 0 };

      g_assert_false (ew_box_overlaps (&token, &card));
      if (place->has_leaf)
        g_assert_false (ew_box_overlaps (&place->leaf, &card));
    }
  input->reserved[input->n_reserved++] = card;
}

/* Large text and long names, in every width: nothing overlaps, no state is cut, and a label with room says everything.
 */
static void
test_words (void)
{
  static const gdouble texts[] = { 1, 1.25, 1.5, 2 };
  static const guint letters[] = { 3, 20, 63 };
  static const gdouble windows[][2]
    = { { 360, 300 }, { 360, 560 }, { 800, 520 }, { 1200, 640 }, { 1366, 560 }, { 2560, 1300 } };
  guint counts[G_N_ELEMENTS (windows)][G_N_ELEMENTS (texts)] = { 0 };

  for (guint w = 0; w < G_N_ELEMENTS (windows); w++)
    for (guint t = 0; t < G_N_ELEMENTS (texts); t++)
      for (guint k = 0; k < G_N_ELEMENTS (letters); k++)
        for (guint n = 2; n <= 40; n++)
          {
            Mesh mesh;
            g_autoptr (EwLayout) probe = NULL;
            g_autoptr (EwLayout) layout = NULL;

            mesh_init (&mesh, 0, windows[w][0], windows[w][1]);
            fill_words (&mesh, n, letters[k], texts[t]);
            {
              g_autoptr (EwLayout) bare = mesh_layout (&mesh);

              check_layout (bare, &mesh.input);
              if (windows[w][0] >= 800 && texts[t] <= 1.5 && n <= 9)
                g_assert_cmpuint (count_whole (bare), ==, n);
              if (n == 9)
                counts[w][t] += count_whole (bare);
            }
            mesh.input.tokens_only = TRUE;
            probe = mesh_layout (&mesh);
            check_card (probe, &mesh.input);
            mesh.input.tokens_only = FALSE;
            layout = mesh_layout (&mesh);
            check_layout (layout, &mesh.input);
            check_pills (layout, &mesh.input);
            for (guint i = 0; i < n; i++)
              g_assert_cmpint (layout->places[i].has_leaf, ==, probe->places[i].has_leaf);
            mesh_clear (&mesh);
          }
  for (guint w = 0; w < G_N_ELEMENTS (windows); w++)
    g_test_message ("%.0f px: %u %u %u %u of 27 labels are whole", windows[w][0], counts[w][0], counts[w][1],
                    counts[w][2], counts[w][3]);
}

/* One sector alone, a tiny one beside a large one, this computer anywhere. */
static void
test_lopsided (void)
{
  for (guint n = 1; n < 120; n++)
    {
      Mesh mesh;
      g_autoptr (EwLayout) layout = NULL;

      mesh_init (&mesh, 0, 1180, 616);
      for (guint i = 0; i < n; i++)
        mesh_add (&mesh, i % 40 == 39 ? EW_SECTOR_SITES : n % 2 ? EW_SECTOR_DEVICES : EW_SECTOR_SERVERS);
      g_array_index (mesh.nodes, EwLayoutNode, 0).self = FALSE;
      g_array_index (mesh.nodes, EwLayoutNode, n / 2).self = TRUE;
      layout = mesh_layout (&mesh);
      check_layout (layout, &mesh.input);
      mesh_clear (&mesh);
    }
}

static void
check_slid (const EwLayout *before, const EwLayout *after, gdouble most)
{
  if (before->mode != after->mode || after->mode == EW_LAYOUT_SEATS)
    return;
  for (guint i = 0; i < before->n_places; i++)
    {
      gdouble moved = fabs (remainder (after->places[i].angle - before->places[i].angle, 2 * G_PI));

      g_assert_cmpfloat (moved, <, after->slot * most + EPSILON);
    }
}

/* The place of each node, whichever nodes left before. */
static void
check_unmoved (const EwLayout *before, const EwLayout *after, guint removed)
{
  g_assert_cmpint (before->mode, ==, after->mode);
  g_assert_cmpfloat (before->radius, ==, after->radius);
  for (guint i = 0; i < after->n_places && after->mode != EW_LAYOUT_SEATS; i++)
    {
      const EwLayoutPlace *old = &before->places[i + (i >= removed)], *new = &after->places[i];

      g_assert_cmpfloat_with_epsilon (distance (old->centre, new->centre), 0, EPSILON);
    }
}

static void
join (Mesh *mesh, EwLayout **layout)
{
  EwSector sector = g_random_int_range (0, EW_N_SECTORS);
  gboolean opened = ew_slots_length (mesh->slots, sector) == 0;
  guint n_open = 0;
  EwLayout *after;

  for (guint s = 0; s < EW_N_SECTORS; s++)
    n_open += ew_slots_length (mesh->slots, s) > 0;
  mesh_add (mesh, sector);
  after = mesh_layout (mesh);
  check_slid (*layout, after, opened ? (n_open == 1 ? 2.2 : 1.6) : 1);
  ew_layout_free (*layout);
  *layout = after;
}

static void
leave (Mesh *mesh, EwLayout **layout)
{
  guint index;
  EwLayout *after;

  if (mesh->nodes->len < 3)
    return;
  index = g_random_int_range (1, mesh->nodes->len);
  g_array_remove_index (mesh->nodes, index);
  after = mesh_layout (mesh);
  check_unmoved (*layout, after, index);
  ew_layout_free (*layout);
  *layout = after;
}

/* States and labels change: tokens stay; of seats, the set of dots stays. */
static void
change (Mesh *mesh, EwLayout **layout)
{
  EwLayout *after;

  for (guint i = 0; i < mesh->nodes->len; i++)
    {
      EwLayoutNode *node = &g_array_index (mesh->nodes, EwLayoutNode, i);

      node->trouble = g_random_boolean ();
      node->selected = g_random_boolean ();
      node->state_width = 20 + g_random_int_range (0, 80);
      node->detail_width = node->state_width + 70;
    }
  after = mesh_layout (mesh);
  check_unmoved (*layout, after, G_MAXUINT);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    {
      g_assert_cmpfloat (after->sectors[s].from, ==, (*layout)->sectors[s].from);
      g_assert_cmpfloat (after->sectors[s].to, ==, (*layout)->sectors[s].to);
    }
  ew_layout_free (*layout);
  *layout = after;
}

/* Each round is a history of its own from its seed, which a failure's log names: EW_SEED repeats it. */
static guint32
get_first_seed (void)
{
  const gchar *text = g_getenv ("EW_SEED");

  return text != NULL ? (guint32)g_ascii_strtoull (text, NULL, 10) : g_random_int ();
}

static void
test_life (void)
{
  const guint32 seed = get_first_seed ();

  for (guint round = 0; round < 40; round++)
    {
      g_random_set_seed (seed + round);
      g_test_message ("history %u", seed + round);
      const gdouble *size = sizes[g_random_int_range (0, G_N_ELEMENTS (sizes))];
      Mesh mesh;
      EwLayout *layout;

      mesh_init (&mesh, g_random_int_range (1, 30), size[0], size[1]);
      layout = mesh_layout (&mesh);
      for (guint step = 0; step < 40; step++)
        {
          gint what = g_random_int_range (0, 4);

          (what < 2 ? join : what == 2 ? leave : change) (&mesh, &layout);
          check_layout (layout, &mesh.input);
        }
      ew_layout_free (layout);
      mesh_clear (&mesh);
    }
}

static void
test_same_again (void)
{
  Mesh mesh;
  g_autoptr (EwSlots) slots = ew_slots_new ();
  g_autoptr (EwLayout) first = NULL;
  g_autoptr (EwLayout) second = NULL;

  mesh_init (&mesh, 29, 1180, 616);
  first = mesh_layout (&mesh);
  second = ew_layout_new (&mesh.input, slots);
  for (guint i = 0; i < first->n_places; i++)
    g_assert_cmpmem (&first->places[i], sizeof (EwLayoutPlace), &second->places[i], sizeof (EwLayoutPlace));
  mesh_clear (&mesh);
}

/* The map of a window as it first opens: 9 nodes on 1180 × 616. */
static void
test_as_drawn (void)
{
  static const EwSector sectors[] = { 0, 0, 0, 0, 1, 1, 1, 1, 2 };
  Mesh mesh;
  g_autoptr (EwLayout) layout = NULL;

  mesh_init (&mesh, 0, 1180, 616);
  for (guint i = 0; i < G_N_ELEMENTS (sectors); i++)
    mesh_add (&mesh, sectors[i]);
  layout = mesh_layout (&mesh);
  g_assert_cmpfloat (layout->radius, ==, 200);
  g_assert_cmpfloat (layout->scale, ==, 1);
  g_assert_cmpfloat_with_epsilon (layout->slot, 2 * G_PI / 10.8, EPSILON);
  g_assert_cmpfloat (layout->places[1].centre.x, <, layout->centre.x); /* clockwise from 6 o'clock */
  g_assert_cmpfloat (layout->places[8].centre.x, >, layout->centre.x);
  g_assert_true (layout->places[8].has_leaf);
  for (guint i = 0; i < layout->n_places; i++)
    g_assert_cmpuint (layout->places[i].label.lines, ==, 2);
  for (guint s = 0; s < EW_N_SECTORS; s++)
    g_assert_true (layout->sectors[s].name_shown);
  mesh_clear (&mesh);
}

static void
check_services (const EwLayout *layout, guint i)
{
  const EwLayoutPlace *place = &layout->places[i];

  for (guint o = 0; o < layout->n_places; o++)
    {
      const EwLayoutPlace *other = &layout->places[o];
      EwBox token = { other->centre.x, other->centre.y, other->size, other->size, 0 };

      g_assert_false (ew_box_overlaps (&token, &place->services));
      g_assert_false (other->has_leaf && ew_box_overlaps (&other->leaf, &place->services));
      g_assert_false (other->label.lines > 0 && ew_box_overlaps (&other->label.box, &place->services));
      g_assert_false (o != i && other->has_services && ew_box_overlaps (&other->services, &place->services));
    }
}

/* Services hang at their node, on no token, no capsule and no label; folded where there is less room. */
static void
test_services (void)
{
  const gdouble sizes[][2] = { { 1180, 616 }, { 840, 620 }, { 600, 560 }, { 480, 480 } };
  guint shown = 0, folded = 0;

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint n = 1; n <= 16; n++)
      {
        Mesh mesh;
        g_autoptr (EwLayout) layout = NULL;

        mesh_init (&mesh, n, sizes[s][0], sizes[s][1]);
        for (guint i = 0; i < n; i += 2)
          {
            EwLayoutNode *node = &g_array_index (mesh.nodes, EwLayoutNode, i);

            node->services_width = 110;
            node->services_height = 82;
            node->folded_width = 90;
            node->folded_height = 26;
          }
        layout = mesh_layout (&mesh);
        check_layout (layout, &mesh.input);
        for (guint i = 0; i < n; i++)
          {
            const EwLayoutPlace *place = &layout->places[i];

            shown += place->has_services;
            folded += place->services_folded;
            g_assert_true (!place->services_folded || place->has_services);
            g_assert_true (!place->has_services || i % 2 == 0);
            if (place->has_services)
              check_services (layout, i);
          }
        mesh_clear (&mesh);
      }
  g_assert_cmpuint (shown, >, 100);
  g_assert_cmpuint (folded, >, 5);
}

/* A few nodes are spread on all sides of the edge, whatever their kind. */
static void
test_few (void)
{
  for (guint n = 2; n <= 4; n++)
    for (guint kinds = 0; kinds < 81; kinds++)
      {
        Mesh mesh;
        g_autoptr (EwLayout) layout = NULL;
        gdouble x = 0, y = 0;

        mesh_init (&mesh, 0, 1180, 616);
        for (guint i = 0, k = kinds; i < n; i++, k /= 3)
          mesh_add (&mesh, k % 3);
        layout = mesh_layout (&mesh);
        for (guint i = 0; i < n; i++)
          {
            x += (layout->places[i].centre.x - layout->centre.x) / layout->radius / n;
            y += (layout->places[i].centre.y - layout->centre.y) / layout->radius / n;
          }
        g_assert_cmpfloat (hypot (x, y), <, 0.25);
        mesh_clear (&mesh);
      }
}

static void
test_comes_back (void)
{
  static const gchar *const ids[] = { "a", "b", "c" };
  static const gchar *const without_b[] = { "a", "c", "d" };
  static const gchar *const again[] = { "a", "c", "d", "b" };
  static const EwSector sectors[4] = { 0 };
  g_autoptr (EwSlots) slots = ew_slots_new ();

  ew_slots_update (slots, ids, sectors, 3);
  ew_slots_update (slots, without_b, sectors, 3);
  g_assert_cmpuint (ew_slots_index (slots, "c"), ==, 2);
  g_assert_cmpuint (ew_slots_index (slots, "d"), ==, 3);
  g_assert_cmpuint (ew_slots_n_live (slots, 0), ==, 3);
  ew_slots_update (slots, again, sectors, 4);
  g_assert_cmpuint (ew_slots_index (slots, "b"), ==, 1);
  g_assert_cmpuint (ew_slots_length (slots, 0), ==, 4);
  ew_slots_update (slots, NULL, NULL, 0);
  g_assert_cmpuint (ew_slots_total (slots), ==, 0);
}

static void
test_spoke_width (void)
{
  g_assert_cmpfloat_with_epsilon (ew_spoke_width (0, 0), 1.6, EPSILON);
  g_assert_cmpfloat_with_epsilon (ew_spoke_width (1e6 / 8, 0), 1.6 + 1.75 * log10 (3), EPSILON);
  g_assert_cmpfloat (ew_spoke_width (1e12, 0), ==, 9);
  g_assert_cmpfloat (ew_spoke_width (1e5, 1.7), ==, ew_spoke_width (1e5, 0));
  g_assert_cmpfloat (ew_spoke_width (1e6 / 8 * 1.1, 2.43), ==, 2.43); /* a tenth more is the same */
  g_assert_cmpfloat (ew_spoke_width (-1, 0), >, 0);
}

static void
test_boxes (void)
{
  EwBox a = { 0, 0, 10, 10, 0 }, far = { 12, 0, 10, 10, 0 }, turned = { 12, 0, 14, 14, G_PI_4 };

  g_assert_false (ew_box_overlaps (&a, &far) && a.width < 12);
  far.x = 9;
  g_assert_true (ew_box_overlaps (&a, &far));
  g_assert_true (ew_box_overlaps (&a, &turned));
  turned.x = 15;
  g_assert_false (ew_box_overlaps (&a, &turned));
}

/* Zoomed, everything is as many times as far from the center; tokens and the edge keep their size. */
static void
test_zoomed (void)
{
  const guint counts[] = { 1, 9, 16, 30, 60, 1000 };

  for (guint c = 0; c < G_N_ELEMENTS (counts); c++)
    {
      Mesh mesh;
      g_autoptr (EwLayout) plain = NULL;
      g_autoptr (EwLayout) zoomed = NULL;

      mesh_init (&mesh, counts[c], 1180, 616);
      plain = mesh_layout (&mesh);
      mesh.input.zoom = 3;
      zoomed = mesh_layout (&mesh);
      g_assert_cmpfloat (plain->zoom, ==, 1);
      g_assert_cmpfloat_with_epsilon (zoomed->centre.x, 3 * plain->centre.x, EPSILON);
      g_assert_cmpfloat_with_epsilon (zoomed->centre.y, 3 * plain->centre.y, EPSILON);
      g_assert_cmpfloat_with_epsilon (zoomed->edge_radius, plain->edge_radius, EPSILON);
      g_assert_cmpfloat_with_epsilon (zoomed->pitch, 3 * plain->pitch, EPSILON);
      for (guint i = 0; i < mesh.nodes->len; i++)
        {
          const EwLayoutPlace *from = &plain->places[i], *to = &zoomed->places[i];

          g_assert_cmpfloat_with_epsilon (to->centre.x - zoomed->centre.x, 3 * (from->centre.x - plain->centre.x),
                                          1e-3);
          g_assert_cmpfloat_with_epsilon (to->centre.y - zoomed->centre.y, 3 * (from->centre.y - plain->centre.y),
                                          1e-3);
          if (plain->mode == EW_LAYOUT_SEATS)
            g_assert_cmpfloat (to->size, <=, 18);
          else
            g_assert_cmpfloat_with_epsilon (to->size, from->size, EPSILON);
          g_assert_cmpuint (to->label.lines, >=, from->label.lines); /* never less room for words */
        }
      mesh_clear (&mesh);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/map/layout/counts", test_counts);
  g_test_add_func ("/map/layout/words", test_words);
  g_test_add_func ("/map/layout/lopsided", test_lopsided);
  g_test_add_func ("/map/layout/life", test_life);
  g_test_add_func ("/map/layout/zoomed", test_zoomed);
  g_test_add_func ("/map/layout/same-again", test_same_again);
  g_test_add_func ("/map/layout/as-drawn", test_as_drawn);
  g_test_add_func ("/map/layout/few", test_few);
  g_test_add_func ("/map/layout/services", test_services);
  g_test_add_func ("/map/slots/comes-back", test_comes_back);
  g_test_add_func ("/map/spoke-width", test_spoke_width);
  g_test_add_func ("/map/boxes", test_boxes);
  return g_test_run ();
}
