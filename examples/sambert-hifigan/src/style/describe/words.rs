//! What is understood: words, and Chinese ones.
//!
//! A hyphen stands for a hyphen or a blank.

use crate::style::Emotion;

/// Words and the emotions they name, the nearest first: a voice that has not learned one may have learned another.
pub(super) const WORDS: [(&[Emotion], &str); 18] = {
    use Emotion as E;
    [
        (
            &[E::Neutral],
            "neutral neutrally plain plainly normal normally ordinary flat monotone emotionless unemotional no-emotion \
             no-emotions without-emotion without-emotions without-any-emotion matter-of-fact 中性 中立 平淡 正常 普通 \
             没有感情 没有情感 没有情绪 无感情 不带感情 不带情绪",
        ),
        (
            &[E::Happy],
            "happy happily happier happiness cheerful cheerfully cheery cheer joy joyful joyfully joyous merry merrily \
             delighted glad gladly upbeat jolly playful playfully smile smiling sunny 高兴 开心 快乐 欢快 愉快 喜悦 欢喜 \
             欢乐 愉悦 活泼 轻快 兴高采烈 微笑 喜气洋洋",
        ),
        (
            &[E::Angry],
            "angry angrily angrier anger mad furious furiously rage raging irate annoyed outraged 生气 愤怒 气愤 恼火 恼怒 \
             发火 暴怒 怒气 怒火 怒吼",
        ),
        (
            &[E::Sad],
            "sad sadly sadder sadness unhappy unhappily sorrow sorrowful mournful mourning melancholy melancholic gloomy tearful \
             depressed grief grieving heartbroken 悲伤 伤心 难过 悲痛 哀伤 忧伤 忧郁 沮丧 悲哀 低落 心碎 不开心 不快乐",
        ),
        (
            &[E::Fear],
            "fear fearful fearfully afraid scared scary frightened terrified terror 害怕 恐惧 惊恐 惧怕 惊慌",
        ),
        (
            &[E::Surprise],
            "surprise surprised surprising surprisingly astonished astonishment amazed amazement startled shocked 惊讶 吃惊 惊奇 \
             惊喜 诧异 震惊",
        ),
        (
            &[E::Hate, E::Disgust, E::Angry],
            "hate hateful hatred loathing spiteful 厌恶 憎恨 讨厌 仇恨 痛恨",
        ),
        (
            &[E::Disgust, E::Hate],
            "disgust disgusted disgusting revulsion 恶心 反感 嫌弃",
        ),
        (
            &[E::Calm, E::Relax, E::Gentle, E::Neutral],
            "calm calmly calming serene serenely peaceful peacefully soothing 平静 冷静 沉着 安静 平和 镇定",
        ),
        (
            &[E::Gentle, E::Calm, E::Neutral],
            "gentle gently soft softly tender tenderly warm warmly kindly 温柔 柔和 温和 轻柔 温暖 亲切",
        ),
        (
            &[E::Relax, E::Calm, E::Neutral],
            "relaxed relaxing relax casual casually easygoing 放松 轻松 悠闲 随意",
        ),
        (
            &[E::Serious, E::Neutral],
            "serious seriously solemn solemnly formal formally stern sternly grave gravely 严肃 庄重 正式 认真 郑重 严厉",
        ),
        (
            &[E::Excited, E::Happy],
            "excited excitedly excitement exciting enthusiastic enthusiastically enthusiasm energetic thrilled 兴奋 激动 激昂 热情 \
             亢奋",
        ),
        (
            &[E::Disappointed, E::Sad],
            "disappointed disappointment dejected 失望 失落 灰心",
        ),
        (
            &[E::Disgruntled, E::Angry],
            "disgruntled displeased dissatisfied grumpy resentful 不满 不高兴 不悦 抱怨 埋怨",
        ),
        (
            &[E::Anxiety, E::Fear],
            "anxious anxiously anxiety nervous nervously worried worry 焦虑 紧张 担心 担忧 不安 着急",
        ),
        (
            &[E::Satisfied, E::Pleasure, E::Happy],
            "satisfied satisfaction contented pleased proud proudly 满意 满足 得意 自豪",
        ),
        (
            &[E::Pity, E::Sad],
            "pity pitying sympathetic compassionate 同情 怜悯 惋惜",
        ),
    ]
};

/// Words that turn round what follows them.
pub(super) const NEGATIONS: &str = "not never no without avoid avoiding neither nor less hardly cannot dont rather-than instead-of free-of \
    不要 不能 不可 不得 不应 不该 不必 不是 不用 不 别 没有 没 勿 避免 禁止 并非 而非 而不是 绝非";

/// Words that end what a negation reaches.
pub(super) const TURNS: &str =
    "but and yet just however although 不过 而是 而 但是 但 要 应该 应 请";

/// Words that look as if they held a negation, and have none.
pub(super) const HARMLESS: &str =
    "特别 分别 告别 个别 不禁 不由得 忍不住 不断 不错 no-doubt not-only 不仅 不但 普通话";
