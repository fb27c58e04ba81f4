/* SPDX-License-Identifier: GPL-3.0-or-later
 * The commands that bring the service, by how the app came here and what the system calls itself.
 */
#include "window/service-advice.h"

static const struct
{
  const gchar *what, *os_release, *first; /* first: of two commands; "": none is known */
} systems[] = {
  { "Debian", "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\nHOME_URL=x\n", "sudo apt install edgewayd\n" },
  { "Ubuntu", "ID=ubuntu\nID_LIKE=debian\n", "sudo apt install edgewayd\n" },
  { "Mint", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "sudo apt install edgewayd\n" },
  { "Fedora", "NAME=\"Fedora Linux\"\nID=fedora\nVARIANT_ID=silverblue\n", "sudo dnf install edgewayd\n" },
  { "Rocky", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "sudo dnf install edgewayd\n" },
  { "openSUSE", "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"", "sudo zypper install edgewayd\n" },
  { "Arch", "ID=arch\n", "" },
  { "unknown", "", "" },
  { "a word in another variable", "NAME=debian\nVARIANT_ID=debian\nXID=debian\n", "" },
  { "half a quote", "ID=\"debian\nID_LIKE=\n", "" },
};

static void
test_systems (void)
{
  static const EwOrigin origins[] = { EW_ORIGIN_PACKAGE, EW_ORIGIN_SANDBOX };

  for (guint i = 0; i < G_N_ELEMENTS (systems); i++)
    for (guint j = 0; j < G_N_ELEMENTS (origins); j++)
      {
        g_autofree gchar *commands = ew_service_commands (origins[j], systems[i].os_release), *expected = NULL;
        expected = *systems[i].first != '\0'
                     ? g_strconcat (systems[i].first, "sudo systemctl enable --now edgewayd", NULL)
                     : g_strdup ("");
        g_test_message ("%s", systems[i].what);
        g_assert_cmpstr (commands, ==, expected);
      }
}

static void
test_clone (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (systems); i++)
    {
      g_autofree gchar *commands = ew_service_commands (EW_ORIGIN_CLONE, systems[i].os_release);
      g_assert_cmpstr (commands, ==, "sudo app/run --join");
    }
}

static void
test_demo (void)
{
  g_assert_cmpstr (ew_service_demo (EW_ORIGIN_CLONE), ==, "app/run --demo");
  g_assert_null (ew_service_demo (EW_ORIGIN_PACKAGE));
  g_assert_null (ew_service_demo (EW_ORIGIN_SANDBOX));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/window/service-advice/systems", test_systems);
  g_test_add_func ("/window/service-advice/clone", test_clone);
  g_test_add_func ("/window/service-advice/demo", test_demo);
  return g_test_run ();
}
