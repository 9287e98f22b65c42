// The waveform as a slider: arrows, Home, End, and a finger or a pointer that is dragged along it.

export class Scrubber {
  #element; #player;

  constructor(element, player) {
    this.#element = element;
    this.#player = player;
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('pointerdown', (event) => this.#drag(event));
  }

  #key(event) {
    const player = this.#player;
    if (player.idle) return;
    const { position, seconds } = player;
    const targets = { ArrowLeft: position - 0.5, ArrowRight: position + 0.5, Home: 0, End: seconds, PageUp: position + 5, PageDown: position - 5 };
    if (event.key === ' ') player.toggle();
    else if (event.key in targets) player.seek(targets[event.key]);
    else return;
    event.preventDefault();
  }

  #drag(event) {
    if (this.#player.idle) return;
    const element = this.#element;
    const move = ({ clientX }) => {
      const box = element.getBoundingClientRect();
      this.#player.seek(((clientX - box.left) / box.width) * this.#player.span);
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener('pointermove', move);
    const release = () => element.removeEventListener('pointermove', move);
    element.addEventListener('pointerup', release, { once: true });
    element.addEventListener('pointercancel', release, { once: true });
    move(event);
  }
}
