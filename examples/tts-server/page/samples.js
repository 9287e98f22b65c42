// Ready-made texts for someone who does not know what to type.

export const samples = [
  '今天天气很好，我们去公园玩吧。',
  '会议改到下午三点半，请提前十分钟到场。',
  '床前明月光，疑是地上霜。举头望明月，低头思故乡。',
];

/** The same with marks. */
export const marked = [
  '<speak>请稍等<break time="600ms"/>马上就好。</speak>',
  '<speak><emotion category="happy">太好了！</emotion><emotion category="sad">可是我不能去。</emotion></speak>',
  '<speak><prosody rate="slow">慢慢地说，</prosody><prosody rate="fast">快快地说。</prosody></speak>',
];
