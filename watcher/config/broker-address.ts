/** Addresses of MQTT brokers: what a person may write, and what may be shown of it. Pure. */

/** Where the embedded broker listens unless another port is configured, or one of the next where it is taken. */
export const usualPort = 1883;

export const addressHint = "an address like mqtt://broker.lab, mqtts://broker.lab:8883, ws://… or wss://…";

const schemes = new Set(["mqtt:", "mqtts:", "ws:", "wss:"]);
const bareHost = /^([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;

/** The address in full; a bare `host` or `host:port` means `mqtt://`. Undefined where it is none. */
export function completeAddress(text: string): string | undefined {
  const url = bareHost.test(text) ? `mqtt://${text}` : text;
  // Everything after the host is taken as it stands: the parser would turn a space into "%20".
  if (/\s/.test(url) || !URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return schemes.has(protocol) && url.startsWith(`${protocol}//`) && hostname !== "" ? url : undefined;
}

/**
 * The parts of an address that `completeAddress` gave. `url` is for the client, without user and password; a query may hold
 * a token, so it is not for people. `shown` is, without user, password, query and fragment: whoever prints the address cannot
 * print them.
 */
export function readAddress(url: string) {
  const parsed = new URL(url);
  const username = parsed.username === "" ? undefined : decoded(parsed.username);
  const password = parsed.password === "" ? undefined : decoded(parsed.password);
  parsed.username = "";
  parsed.password = "";
  const withoutLogin = parsed.href;
  parsed.search = "";
  parsed.hash = "";
  return { url: withoutLogin, shown: parsed.href, username, password };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A "%" that begins no escape stands for itself.
    return text;
  }
}
