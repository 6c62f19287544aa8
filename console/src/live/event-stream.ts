/** Reads `text/event-stream` as the HTML standard defines it, from chunks cut anywhere. */

export type ServerEvent = { readonly name: string; readonly data: string };

export type StreamListener = {
  onEvent(event: ServerEvent): void;
  /** The place a reconnection starts after; it also moves without an event. */
  onId(id: string): void;
};

/**
 * Returns a function to be fed with the stream's text; complete events are handed over in order.
 */
export function eventStreamReader({ onEvent, onId }: StreamListener): (text: string) => void {
  let rest = '';
  let name = '';
  let data: string[] = [];
  let id: string | undefined;

  const dispatch = (): void => {
    if (data.length > 0) onEvent({ name: name || 'message', data: data.join('\n') });
    if (id !== undefined) onId(id);
    name = '';
    data = [];
    id = undefined;
  };

  const take = (line: string): void => {
    if (line === '') {
      dispatch();
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') name = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  };

  return (text) => {
    rest += text;
    // A carriage return at the end may be half of a line end: it waits for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  };
}
