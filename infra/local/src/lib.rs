//! The local runner: the whole product on this machine, from template.yaml.
