import type { Channel } from "./duties.ts";

/** The same channel; `onSign` is called before each message that comes through it, whatever it says. */
export function withSignsOfLife(channel: Channel, onSign: () => void): Channel {
  return {
    ...channel,
    listen: (receive, ended) =>
      channel.listen((message) => {
        onSign();
        receive(message);
      }, ended),
  };
}
