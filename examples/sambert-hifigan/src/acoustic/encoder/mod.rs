//! The text encoder: a small BERT.

mod block;
mod embedding;

pub(super) use self::embedding::special_rows;
use self::{
    block::Block,
    embedding::{Positions, Table},
};
use crate::{
    kernel::{LayerNorm, Linear},
    load::{AcousticParams, Weights},
    probe::Probe,
    units::{Tables, TextIds},
};

/// Turns units into a row of text features each.
#[derive(Debug)]
pub(crate) struct Encoder {
    embeddings: Vec<Table>,
    positions: Positions,
    blocks: Vec<Block>,
    norm: LayerNorm,
    projection: Linear,
    scale: f32,
}

impl Encoder {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams, tables: &Tables) -> Self {
        let width = p.embedding_dim;
        let names = ["sy_emb", "tone_emb", "syllable_flag_emb", "ws_emb"];
        let embeddings = if p.using_byte {
            vec![Table::load(weights, "byte_index_emb", 256, width)]
        } else {
            let pairs = names.iter().zip(tables.sizes());
            pairs
                .map(|(name, size)| Table::load(weights, name, size, width))
                .collect()
        };
        let projection = "text_encoder.ling_proj";
        let (units, outputs) = (p.encoder_num_units, p.encoder_projection_units);
        Self {
            embeddings,
            positions: Positions::load(weights, p.max_len, width),
            blocks: (0..p.encoder_num_layers)
                .map(|index| Block::load(weights, p, index))
                .collect(),
            norm: weights.layer_norm("text_encoder.ling_enc.ln", units),
            projection: weights.linear(projection, outputs, units, &[], false),
            scale: (units as f32).sqrt(),
        }
    }

    /// Encodes one sentence into `[units, projection]`; nothing where a unit is not in its table.
    pub(crate) fn run(&self, text: &TextIds, probe: &mut Probe<'_>) -> Option<Vec<f32>> {
        let columns = match text {
            TextIds::Bytes(bytes) => std::slice::from_ref(bytes),
            TextIds::Units(columns) => columns.as_slice(),
        };
        let length = columns.first().map_or(0, Vec::len);
        let mut x = vec![0.0; length * self.positions.width()];
        for (table, ids) in self.embeddings.iter().zip(columns) {
            table.add_to(&mut x, ids)?;
        }
        let positions = self.positions.rows(length);
        x.iter_mut()
            .zip(positions.iter())
            .for_each(|(x, position)| *x = position + *x * self.scale);
        probe.record("enc_in", &x);
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.run(&x);
            if probe.is_active() {
                probe.record(&format!("enc_layer_{index}"), &x);
            }
        }
        x = self.norm.map(&x);
        probe.record("enc_ln", &x);
        x = self.projection.map(&x);
        probe.record("text_hid", &x);
        Some(x)
    }
}
