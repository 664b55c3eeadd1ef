// A sound for operators: two tones, again and again while somebody waits for staff. No file, and off until switched on.

const AGAIN_MS = 8000; // chosen by hand
const TONES = [[880, 0, 0.25], [660, 0.28, 0.35]]; // Hz, beginning and length in seconds
let context = null;
let timer = 0;
export let isOn = false;

/** Switch the sound; a touch of the switch is also what lets a browser play it. */
export function set(wanted) {
  isOn = wanted;
  if (isOn) {
    context ??= new AudioContext();
    context.resume();
  } else silence();
}

/** Sound while `waiting`, from now on. */
export function sound(waiting) {
  if (!waiting || !isOn) silence();
  else if (!timer) {
    ring();
    timer = setInterval(ring, AGAIN_MS);
  }
}

function silence() {
  clearInterval(timer);
  timer = 0;
}

function ring() {
  for (const [frequency, begin, length] of TONES) {
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    const at = context.currentTime + begin;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.3, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + length);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}
