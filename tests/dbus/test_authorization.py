#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call what: every method as root, allowed, denied and challenged users, with the real polkitd and without it."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import private_bus  # noqa: E402
from private_bus import ACTIONS, Machine, Refused  # noqa: E402

private_bus.enter()

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
# method → (polkit action, arguments, what the tunnel says when the call arrives)
METHODS = {
    "Enroll": ("enroll", "('ew1_x', '', @a{sv} {})", "fake: enroll"),
    "Connect": ("connect", "()", "fake: connect"),
    "SetMode": ("mode", "('vpn', @a{sv} {})", "fake: mode vpn"),
    "SetLockdown": ("mode", "(true, @a{sv} {})", "fake: lockdown on"),
    "ChangeSplit": ("mode", "('exclude', '203.0.113.0/24')", "fake: split exclude"),
    "SetLan": ("mode", "(false,)", "fake: lan block"),
    "OpenPortal": ("mode", "(@a{sv} {},)", "fake: portal open"),
    "ClosePortal": ("mode", "()", "fake: portal close"),
    "SetProxy": ("connect", "('off', '', '')", "fake: proxy off"),
    "SetProxyPassword": ("connect", "('', 'joe', 'secret1')", "fake: password for proxy"),
    "AnswerProxy": ("connect", "(['direct://'],)", "fake: session's proxy direct"),
    "ConfirmMode": ("mode", "()", "fake: confirm"),
    "UndoMode": ("mode", "()", "fake: undo"),
    "GetStatus": (None, "()", None),
    "GetPhrase": (None, "('x',)", None),
    "CancelPrompt": (None, "('Leave',)", None),
    "OpenTopology": ("topology", "()", "fake: topology"),
    "Ping": ("topology", "('nas', uint32 1000)", "fake: ping"),
    "Diagnose": ("topology", "()", "fake: diagnose"),
    "Fix": ("fix", "('',)", "fake: fix"),
    "RevertFixes": ("fix", "('',)", "fake: revert fixes"),
    "AddNode": ("administer", "('web', 'server', uint32 3600)", "fake: request POST /v1/keys"),
    "RenewNode": ("administer", "('nas', uint32 3600)", "fake: request POST /v1/keys"),
    "ListKeys": ("administer", "()", "fake: request GET /v1/keys"),
    "RevokeKey": ("administer", "('1a2b3c4d5e6f',)", "fake: request DELETE /v1/keys/1a2b3c4d5e6f"),
    "ListNodes": ("topology", "()", "fake: request GET /v1/nodes "),
    "ShowNode": ("topology", "('laptop',)", "fake: request GET /v1/nodes/laptop"),
    "RenameNode": ("administer", "('nas', 'tower')", "fake: request PATCH /v1/nodes/nas"),
    "SetNodeMtu": ("administer", "('nas', uint32 1280)", "fake: request PATCH /v1/nodes/nas"),
    "RemoveNode": ("administer", "('nas',)", "fake: request DELETE /v1/nodes/nas"),
    "CreateConfig": ("administer", f"('phone', '{KEY}', @a{{sv}} {{}})", "fake: request POST /v1/nodes"),
    "AddRoute": ("administer", "('10.7.0.0/24', '')", "fake: request POST /v1/routes"),
    "RemoveRoute": ("administer", "('10.7.0.0/24',)", "fake: request DELETE /v1/routes/10.7.0.0%2F24"),
    "ListRoutes": ("topology", "()", "fake: routes"),
    "AcceptRoute": ("administer", "('10.7.0.0/24',)", "fake: accept"),
    "RefuseRoute": ("administer", "('10.7.0.0/24',)", "fake: refuse"),
    "AddName": ("administer", "('files', 'nas', @a{sv} {})", "fake: request POST /v1/names"),
    "RemoveName": ("administer", "('files',)", "fake: request DELETE /v1/names/files"),
    "ListNames": ("topology", "()", "fake: request GET /v1/names"),
    "AcceptDomain": ("administer", "('corp.example',)", "fake: accept"),
    "RefuseDomain": ("administer", "('corp.example',)", "fake: refuse"),
    "AddService": ("administer", "('ha', ['nas:8123'], @a{sv} {})", "fake: request POST /v1/services"),
    "EditService": ("administer", "('ha', @a{sv} {})", "fake: request PATCH /v1/services/ha"),
    "RemoveService": ("administer", "('ha',)", "fake: request DELETE /v1/services/ha"),
    "ListServices": ("topology", "()", "fake: request GET /v1/services "),
    "ShowService": ("topology", "('ha',)", "fake: request GET /v1/services/ha"),
    "Publish": ("administer", "('ha', 'ha.example.org', @a{sv} {})", "fake: request POST /v1/published"),
    "Unpublish": ("administer", "('ha.example.org',)", "fake: request DELETE /v1/published/ha.example.org"),
    "ListPublished": ("topology", "()", "fake: request GET /v1/published"),
    "Disconnect": ("connect", "()", "fake: disconnect"),
    "Leave": ("enroll", "()", "fake: leave"),
}


class WithPolkit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)

    def setUp(self):
        self.daemon = self.machine.daemon()
        self.addCleanup(self.daemon.stop)

    def arrives(self, caller, method, **options):
        """The call gets through: whatever the tunnel then says, it is not about authorization."""
        _, args, said = METHODS[method]
        before = self.daemon.count(said) if said else 0
        try:
            caller.call(method, args, **options)
        except Refused as refused:
            self.assertNotIn(refused.name, ("NotAuthorized", "Cancelled", "org.freedesktop.DBus.Error.AccessDenied"), f"{method}: {refused}")
        if said:
            self.daemon.wait_log(said, before + 1)

    def refused(self, caller, method, name="NotAuthorized", **options):
        """The call is refused, and nothing of it reaches the tunnel."""
        before = self.daemon.count("fake: ")
        with self.assertRaises(Refused, msg=method) as caught:
            caller.call(method, METHODS[method][1], **options)
        self.assertEqual(caught.exception.name, name, f"{method}: {caught.exception}")
        self.assertEqual(self.daemon.count("fake: "), before, f"{method} reached the tunnel")
        return caught.exception.message

    def test_every_method_is_here(self):
        interface = self.machine.caller().call("Introspect", interface="org.freedesktop.DBus.Introspectable")
        for method in METHODS:
            self.assertIn(f'<method name="{method}"', interface)
        self.assertEqual(interface.count('<method name="') - 6, len(METHODS), "the standard interfaces have six methods, the rest is tested here")

    def test_root_may_everything(self):
        root = self.machine.caller()
        for method in METHODS:
            with self.subTest(method):
                self.arrives(root, method)

    def test_allowed_by_a_rule(self):
        caller = self.machine.caller("ewyes")
        for method in METHODS:
            with self.subTest(method):
                self.arrives(caller, method)

    def test_denied_by_a_rule(self):
        caller = self.machine.caller("ewno")
        for method, (action, _, _) in METHODS.items():
            with self.subTest(method):
                for interactive in (False, True):
                    if action is None:
                        self.arrives(caller, method)
                    else:
                        self.assertIn("sudo", self.refused(caller, method, interactive=interactive))

    def test_each_action_opens_its_methods_alone(self):
        for action in ACTIONS:
            caller = self.machine.caller("ew" + action)
            for method, (needed, _, _) in METHODS.items():
                with self.subTest(f"{action}: {method}"):
                    if needed in (None, action):
                        self.arrives(caller, method)
                    else:
                        self.refused(caller, method)

    def test_challenge_without_interaction(self):
        caller = self.machine.caller("ewplain")
        for method, (action, _, _) in METHODS.items():
            with self.subTest(method):
                if action is None:
                    self.arrives(caller, method)
                else:
                    self.assertIn("password", self.refused(caller, method))

    def test_challenge_without_an_agent(self):
        caller = self.machine.caller("ewplain")
        for method, (action, _, _) in METHODS.items():
            if action is not None:
                with self.subTest(method):
                    self.assertIn("start a polkit agent in this session, or use sudo", self.refused(caller, method, interactive=True))

    def test_person_at_the_screen(self):
        caller = self.machine.caller("ewdesk")
        for method, (action, _, _) in METHODS.items():
            with self.subTest(method):
                if action in ("enroll", "fix", "administer"):
                    self.assertIn("password", self.refused(caller, method))
                else:
                    self.arrives(caller, method)

    def test_dismissed(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "dismiss")
        self.refused(caller, "AddNode", "Cancelled", interactive=True)
        agent.wait_log("asked org.edgeway.administer")
        self.refused(caller, "AddNode")  # not interactive: no person is asked
        self.assertEqual(agent.count("asked"), 1)
        agent.stop()

    def test_closed_without_a_word(self):
        """lxpolkit's Cancel reaches polkit as if the password had been wrong; it isn't a refusal by the computer's policy."""
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "close")
        self.refused(caller, "AddNode", "Cancelled", interactive=True)
        agent.stop()
        denied = self.machine.caller("ewno")
        self.assertIn("policy", self.refused(denied, "AddNode", interactive=True))

    def test_prompt_names_the_act(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "dismiss")
        unnamed = "Authentication is required to let Edgeway remove a node from the mesh"
        general = "Authentication is required to let Edgeway change the nodes or routes of the mesh"
        for method, args, message in (
                ("RemoveNode", "('nas',)", "Authentication is required to let Edgeway remove nas from the mesh"),
                ("AddRoute", "('10.7.0.0/24', '')", "Authentication is required to let Edgeway share 10.7.0.0/24 with the mesh"),
                ("AcceptDomain", "('corp.example',)", "Authentication is required to let this computer ask the mesh for names below corp.example"),
                ("AcceptDomain", "('corp.example and more',)", general),
                ("Leave", "()", "Authentication is required to let Edgeway take this computer out of its mesh"),
                ("RemoveNode", "('n00000000000000ab',)", unnamed), ("RemoveNode", "('nas to go on, and also anything else',)", unnamed),
                ("AddRoute", "('10.7.0.0/24 $(node)', '')", general)):
            with self.subTest(args):
                before = agent.count(": " + message)
                with self.assertRaises(Refused):
                    caller.call(method, args, interactive=True)
                agent.wait_log(": " + message, before + 1)
        agent.stop()

    def test_password_given(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "allow")
        for method, (action, _, _) in METHODS.items():
            if action in ("enroll", "fix", "administer"):
                with self.subTest(method):
                    self.arrives(caller, method, interactive=True)
        agent.wait_log("asked org.edgeway.enroll")
        agent.wait_log("asked org.edgeway.administer")
        agent.stop()

    def test_prompt_closes_with_its_caller(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "wait")
        caller.send("Leave", interactive=True)
        agent.wait_log("asked org.edgeway.enroll")
        caller.close()
        agent.wait_log("taken away")
        self.assertEqual(self.daemon.count("fake: leave"), 0)
        agent.stop()

    def test_prompt_is_cancelled_by_its_caller_alone(self):
        caller, other = self.machine.caller("ewplain"), self.machine.caller("ewyes")
        agent = self.machine.agent(caller, "wait")
        caller.send("Leave", interactive=True)
        agent.wait_log("asked org.edgeway.enroll")
        other.call("CancelPrompt", "('Leave',)")
        caller.call("CancelPrompt", "('Enroll',)")
        self.assertEqual(agent.count("taken away"), 0)
        caller.send("CancelPrompt", "('Leave',)")
        agent.wait_log("taken away")
        with self.assertRaises(Refused) as caught:
            for _ in range(2):
                caller.answer()
        self.assertEqual(caught.exception.name, "Cancelled")
        self.assertEqual(self.daemon.count("fake: leave"), 0)
        agent.stop()

    def test_prompt_is_cancelled_before_it_comes(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "wait")
        for _ in range(5):
            refusals = []
            caller.send("Leave", interactive=True)
            caller.send("CancelPrompt", "('Leave',)")
            for _ in range(2):
                try:
                    caller.answer()
                except Refused as refused:
                    refusals.append(refused.name)
            self.assertEqual(refusals, ["Cancelled"])
        self.assertEqual(self.daemon.count("fake: leave"), 0)
        agent.stop()

    def test_others_are_served_while_a_prompt_is_open(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "wait")
        caller.send("Leave", interactive=True)
        agent.wait_log("asked")
        self.arrives(self.machine.caller("ewyes"), "Diagnose")
        agent.stop()

    def test_many_prompts(self):
        caller = self.machine.caller("ewplain")
        agent = self.machine.agent(caller, "wait")
        for _ in range(40):
            caller.send("Leave", interactive=True)
        names = set()
        for _ in range(24):
            with self.assertRaises(Refused) as caught:
                caller.answer()
            names.add(caught.exception.name)
        self.assertLessEqual(names, {"TooManyRequests", "org.freedesktop.DBus.Error.LimitsExceeded"}, "a caller's limit, or already that of its messages")
        self.arrives(self.machine.caller("ewyes"), "Diagnose")
        self.arrives(self.machine.caller(), "Connect")
        caller.close()
        self.arrives(self.machine.caller("ewyes"), "Diagnose")
        agent.stop()

    def test_only_root_owns_the_name(self):
        with self.assertRaises(Refused) as caught:
            self.machine.caller("ewyes").call("RequestName", "('org.edgeway.Daemon1', uint32 0)", interface="org.freedesktop.DBus")
        self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.AccessDenied")


class WithoutPolkit(WithPolkit):
    """Root as before; everyone else can read the status and is told to use sudo."""
    # Inherited tests are about polkit.
    for name in [name for name in dir(WithPolkit) if name.startswith("test_") and name not in ("test_root_may_everything", "test_every_method_is_here")]:
        locals()[name] = None

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(polkit=False)
        cls.addClassCleanup(cls.machine.close)

    def test_others_may_read_their_status(self):
        for user in ("ewyes", "ewplain", "ewdesk"):
            caller = self.machine.caller(user)
            for method, (action, _, _) in METHODS.items():
                with self.subTest(f"{user}: {method}"):
                    if action is None:
                        self.arrives(caller, method)
                    else:
                        self.assertIn("sudo", self.refused(caller, method, interactive=True))
            self.assertIn("disconnected", caller.call("Get", "('org.edgeway.Daemon1', 'State')", interface="org.freedesktop.DBus.Properties"))


if __name__ == "__main__":
    unittest.main()
