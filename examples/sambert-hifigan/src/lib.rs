//! Mandarin text to speech: SAM-BERT and HiFi-GAN on candle, with a front end for text.
