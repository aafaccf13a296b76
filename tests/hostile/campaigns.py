"""All campaigns, in the order of the page. A new one gets a row here."""

from tests.hostile.figures import Campaign

CAMPAIGNS = (
    Campaign(
        name="servers",
        what="server that misbehaves, by a script",
        entry="tests.hostile.controls:servers",
    ),
    Campaign(
        name="wheels",
        what="hostile wheel",
        entry="tests.hostile.controls:wheels",
    ),
    Campaign(
        name="ordinary",
        what="ordinary wheel, which must not be refused",
        entry="tests.hostile.controls:ordinary_wheels",
    ),
    Campaign(
        name="damaged",
        what="damaged bundle",
        entry="tests.hostile.mutations.campaign:damaged",
    ),
    Campaign(
        name="sealed",
        what="bundle changed by somebody who has mended all hashes",
        entry="tests.hostile.mutations.campaign:sealed",
    ),
    Campaign(
        name="installed",
        what="damaged bundle, really installed",
        entry="tests.hostile.mutations.installed:run",
    ),
    Campaign(
        name="unheeded",
        what="damaged bundle, with the comparing of hashes taken out",
        entry="tests.hostile.mutations.campaign:unheeded",
        breaking=True,
    ),
    Campaign(
        name="corpus",
        what="input that fuzzing has kept",
        entry="tests.hostile.fuzz.replay:run",
    ),
)
