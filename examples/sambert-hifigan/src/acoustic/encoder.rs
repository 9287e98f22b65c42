//! The text encoder: a small BERT, written with candle tensors.

use candle_core::{D, Device, Result, Tensor};

use crate::{
    load::{AcousticParams, Weights},
    probe::Probe,
    units::{Tables, TextIds},
};

/// Turns units into a row of text features each.
#[derive(Debug)]
pub(crate) struct Encoder {
    embeddings: Vec<Tensor>,
    /// The stored position table; computed when the checkpoint has none or the text is longer.
    positions: Option<Tensor>,
    blocks: Vec<Block>,
    norm: Norm,
    projection: Tensor,
    width: usize,
    scale: f64,
}

#[derive(Debug)]
struct Block {
    heads: usize,
    attention_norm: Norm,
    qkv: Dense,
    out: Dense,
    residual: bool,
    feed_norm: Norm,
    wide: Dense,
    narrow: Dense,
}

#[derive(Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
}

/// A weight transposed to `[inputs, outputs]`.
#[derive(Debug)]
struct Dense {
    weight: Tensor,
    bias: Tensor,
}

impl Encoder {
    pub(crate) fn load(weights: &Weights, p: &AcousticParams, tables: &Tables) -> Result<Self> {
        let read = Reader(weights);
        let names = ["sy_emb", "tone_emb", "syllable_flag_emb", "ws_emb"];
        let embeddings = if p.using_byte {
            vec![read.table("byte_index_emb", 256, p.embedding_dim)?]
        } else {
            let pairs = names.iter().zip(tables.sizes());
            pairs
                .map(|(name, size)| read.table(name, size, p.embedding_dim))
                .collect::<Result<_>>()?
        };
        let stored = "text_encoder.ling_enc.position_enc.position_enc";
        let positions = match weights.has(stored) {
            true => Some(
                read.tensor(stored, &[1, p.max_len, p.embedding_dim])?
                    .squeeze(0)?,
            ),
            false => None,
        };
        let blocks = (0..p.encoder_num_layers)
            .map(|index| Block::load(&read, p, index))
            .collect::<Result<_>>()?;
        let projection = [p.encoder_projection_units, p.encoder_num_units];
        Ok(Self {
            embeddings,
            positions,
            blocks,
            norm: read.norm("text_encoder.ling_enc.ln", p.encoder_num_units)?,
            projection: read
                .tensor("text_encoder.ling_proj.weight", &projection)?
                .t()?
                .contiguous()?,
            width: p.embedding_dim,
            scale: (p.encoder_num_units as f64).sqrt(),
        })
    }

    /// Encodes one sentence into `[units, projection]`.
    pub(crate) fn run(&self, text: &TextIds, probe: &mut Probe<'_>) -> Result<Vec<f32>> {
        let columns = match text {
            TextIds::Bytes(bytes) => std::slice::from_ref(bytes),
            TextIds::Units(columns) => columns.as_slice(),
        };
        let length = columns.first().map_or(0, Vec::len);
        let mut x = self.position(length)?;
        let mut embedded = x.zeros_like()?;
        for (table, ids) in self.embeddings.iter().zip(columns) {
            let ids = Tensor::from_slice(ids, length, &Device::Cpu)?;
            embedded = (embedded + table.index_select(&ids, 0)?)?;
        }
        x = (x + (embedded * self.scale)?)?;
        see(probe, "enc_in", &x)?;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.run(&x)?;
            see(probe, &format!("enc_layer_{index}"), &x)?;
        }
        x = self.norm.run(&x)?;
        see(probe, "enc_ln", &x)?;
        x = x.matmul(&self.projection)?;
        see(probe, "text_hid", &x)?;
        x.flatten_all()?.to_vec1()
    }

    fn position(&self, length: usize) -> Result<Tensor> {
        if let Some(stored) = &self.positions
            && length <= stored.dim(0)?
        {
            return stored.narrow(0, 0, length);
        }
        let half = self.width / 2;
        let mut table = Vec::with_capacity(length * self.width);
        for row in 1..=length {
            let angle = |j: usize| row as f64 / 10_000f64.powf(j as f64 / (half as f64 - 1.0));
            table.extend((0..half).map(|j| angle(j).sin() as f32));
            table.extend((0..half).map(|j| angle(j).cos() as f32));
        }
        Tensor::from_vec(table, (length, self.width), &Device::Cpu)
    }
}

impl Block {
    fn load(read: &Reader<'_>, p: &AcousticParams, index: usize) -> Result<Self> {
        let units = p.encoder_num_units;
        let inputs = if index == 0 { p.embedding_dim } else { units };
        let name = |part: &str| format!("text_encoder.ling_enc.fft.{index}.{part}");
        Ok(Self {
            heads: p.encoder_num_heads,
            attention_norm: read.norm(&name("slf_attn.layer_norm"), inputs)?,
            qkv: read.dense(&name("slf_attn.w_qkv"), 3 * units, inputs, None)?,
            out: read.dense(&name("slf_attn.fc"), units, units, None)?,
            residual: inputs == units,
            feed_norm: read.norm(&name("pos_ffn.layer_norm"), units)?,
            wide: read.dense(
                &name("pos_ffn.w_1"),
                p.encoder_ffn_inner_dim,
                units,
                Some(3),
            )?,
            narrow: read.dense(
                &name("pos_ffn.w_2"),
                units,
                p.encoder_ffn_inner_dim,
                Some(1),
            )?,
        })
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let mut attended = self.attend(&self.attention_norm.run(x)?)?;
        if self.residual {
            attended = (attended + x)?;
        }
        let normal = self.feed_norm.run(&attended)?;
        // A convolution of three taps is a product with each row's neighbors beside it.
        let padded = normal.pad_with_zeros(0, 1, 1)?;
        let length = normal.dim(0)?;
        let shifted = (0..3)
            .map(|tap| padded.narrow(0, tap, length))
            .collect::<Result<Vec<_>>>()?;
        let wide = self.wide.run(&Tensor::cat(&shifted, 1)?)?.relu()?;
        attended + self.narrow.run(&wide)?
    }

    fn attend(&self, x: &Tensor) -> Result<Tensor> {
        let qkv = self.qkv.run(x)?;
        let (length, width) = (qkv.dim(0)?, qkv.dim(1)? / 3);
        let head = width / self.heads;
        let part = |index: usize| -> Result<Tensor> {
            let part = qkv
                .narrow(1, index * width, width)?
                .reshape((length, self.heads, head))?;
            part.transpose(0, 1)?.contiguous()
        };
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let scores = (q.matmul(&k.transpose(1, 2)?.contiguous()?)? / (head as f64).sqrt())?;
        let scores = scores
            .broadcast_sub(&scores.max_keepdim(D::Minus1)?)?
            .exp()?;
        let attention = scores.broadcast_div(&scores.sum_keepdim(D::Minus1)?)?;
        let mixed = attention
            .matmul(&v)?
            .transpose(0, 1)?
            .reshape((length, width))?;
        self.out.run(&mixed)
    }
}

impl Norm {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normal = centred.broadcast_div(&(variance + 1e-6)?.sqrt()?)?;
        normal
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)
    }
}

impl Dense {
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

fn see(probe: &mut Probe<'_>, name: &str, x: &Tensor) -> Result<()> {
    if probe.is_active() {
        probe.see(name, &x.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(())
}

/// Reads tensors of which the missing ones are written down and stand in as an empty one.
struct Reader<'a>(&'a Weights);

impl Reader<'_> {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        match self.0.tensor(name, shape) {
            Some(tensor) => Ok(tensor),
            None => Tensor::zeros(vec![1; shape.len()], candle_core::DType::F32, &Device::Cpu),
        }
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm> {
        let part = |part: &str| self.tensor(&format!("{name}.{part}"), &[width]);
        Ok(Norm {
            weight: part("weight")?,
            bias: part("bias")?,
        })
    }

    /// Reads a linear layer, or a convolution as the linear layer over its taps.
    fn dense(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
        taps: Option<usize>,
    ) -> Result<Dense> {
        let shape: Vec<usize> = [outputs, inputs].into_iter().chain(taps).collect();
        let weight = self.tensor(&format!("{name}.weight"), &shape)?;
        let weight = match taps {
            Some(_) => weight.transpose(1, 2)?.flatten_from(1)?.t()?.contiguous()?,
            None => weight.t()?.contiguous()?,
        };
        Ok(Dense {
            weight,
            bias: self.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// Reads an embedding of `symbols` rows and the two or three specials behind them.
    fn table(&self, name: &str, symbols: usize, width: usize) -> Result<Tensor> {
        let name = format!("text_encoder.{name}.weight");
        let rows = special_rows(self.0, &name, symbols);
        self.tensor(&name, &[rows, width])
    }
}

/// Returns the rows an embedding has to have: with a mask symbol, or without if it is stored so.
pub(crate) fn special_rows(weights: &Weights, name: &str, symbols: usize) -> usize {
    match weights.rows(name) {
        Some(rows) if rows == symbols + 2 => rows,
        _ => symbols + 3,
    }
}
