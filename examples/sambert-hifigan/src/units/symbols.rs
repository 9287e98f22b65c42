//! The built-in symbol tables, in id order.

/// Phones of the PinYin phone set, then the breaks.
pub(crate) const PHONES: &str = "a_c ai_c an_c ang_c ao_c b_c c_c ch_c d_c e_c ei_c en_c eng_c er_c f_c g_c h_c i_c ia_c \
    ian_c iang_c iao_c ie_c ih_c ii_c in_c ing_c io_c iong_c iou_c j_c k_c l_c m_c n_c o_c ong_c ou_c p_c q_c r_c s_c \
    sh_c t_c u_c ua_c uai_c uan_c uang_c uei_c uen_c ueng_c uo_c v_c van_c ve_c vn_c xx_c z_c zh_c w_c y_c ga ge go aa \
    ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh air_c angr_c \
    anr_c aor_c ar_c eir_c engr_c enr_c iangr_c ianr_c iaor_c iar_c ier_c ihr_c iir_c ingr_c inr_c iongr_c iour_c ir_c \
    ongr_c or_c our_c uair_c uangr_c uanr_c uar_c ueir_c uenr_c uor_c ur_c vanr_c ver_c vnr_c vr_c pau #1 #2 #3 #4";

/// Tones; the order is the reference's.
pub(crate) const TONES: &str = "tone1 tone_none tone4 tone2 tone3 tone5 tone0";

/// Places of a phone in its syllable.
pub(crate) const FLAGS: &str = "s_begin s_end s_none s_both s_middle";

/// Places of a phone in its word.
pub(crate) const SEGMENTS: &str = "word_begin word_end word_middle word_both word_none";

/// Emotions.
pub(crate) const EMOTIONS: &str = "emotion_none emotion_neutral emotion_angry emotion_disgust emotion_fear emotion_happy \
    emotion_sad emotion_surprise emotion_calm emotion_gentle emotion_relax emotion_lyrical emotion_serious \
    emotion_disgruntled emotion_satisfied emotion_disappointed emotion_excited emotion_anxiety emotion_jealousy \
    emotion_hate emotion_pity emotion_pleasure emotion_arousal emotion_dominance emotion_placeholder1 \
    emotion_placeholder2 emotion_placeholder3 emotion_placeholder4 emotion_placeholder5 emotion_placeholder6 \
    emotion_placeholder7 emotion_placeholder8 emotion_placeholder9";
