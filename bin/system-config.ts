/** Read where `--config` is not given. */
export const systemConfig = "/etc/cnnt-edge/config.yaml";
