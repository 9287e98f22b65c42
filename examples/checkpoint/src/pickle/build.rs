//! What a pickle may build: ordered dictionaries, storages and views of them.

use std::rc::Rc;

use super::{Fault, Object, StorageName, View, run::Run};

/// No tensor of a checkpoint has more dimensions.
const RANK_LIMIT: usize = 8;

const UNKNOWN: Fault = "the pickle describes a tensor in an unknown way";

impl Run<'_, '_> {
    /// Builds what a call of a known name would return; other names are not followed.
    pub(super) fn build(&mut self, class: &Object, arguments: &Object) -> Result<Object, Fault> {
        let Object::Class(name) = class else {
            return Ok(Object::Opaque);
        };
        match &**name {
            "collections.OrderedDict" => self.new_dict(),
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                self.machine
                    .spend(size_of::<View>() + 2 * RANK_LIMIT * size_of::<usize>())?;
                let view = self.view(arguments).ok_or(UNKNOWN)?;
                Ok(Object::Tensor(Rc::new(view)))
            }
            "torch._utils._rebuild_parameter" => {
                let data = self.tuple(arguments).and_then(<[_]>::first);
                Ok(data.cloned().unwrap_or(Object::Opaque))
            }
            _ => Ok(Object::Opaque),
        }
    }

    /// Reads the name of a storage: `("storage", class, key, location, length)`.
    pub(super) fn storage(&mut self, name: &Object) -> Result<Object, Fault> {
        let Some([_, Object::Class(class), Object::Text(key), ..]) = self.tuple(name) else {
            return Err("the pickle names a storage in an unknown way");
        };
        let name = StorageName {
            class: class.rsplit('.').next().unwrap_or_default().into(),
            key: key.clone(),
        };
        self.machine.spend(3 * size_of::<StorageName>())?;
        self.machine.storages.push(name);
        Ok(Object::Storage(self.machine.storages.len() - 1))
    }

    /// Reads a view: `(storage, offset, shape, strides, ..)`.
    fn view(&self, arguments: &Object) -> Option<View> {
        let [
            Object::Storage(storage),
            Object::Int(offset),
            shape,
            strides,
            ..,
        ] = self.tuple(arguments)?
        else {
            return None;
        };
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        (shape.len() == strides.len()).then_some(View {
            storage: *storage,
            offset: usize::try_from(*offset).ok()?,
            shape,
            strides,
        })
    }

    fn sizes(&self, objects: &Object) -> Option<Box<[usize]>> {
        let size = |object: &Object| match object {
            Object::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        };
        let sizes = self.tuple(objects)?;
        (sizes.len() <= RANK_LIMIT).then(|| sizes.iter().map(size).collect())?
    }

    fn tuple(&self, object: &Object) -> Option<&[Object]> {
        match object {
            Object::Tuple(index) => self.machine.tuples.get(*index).map(|items| &**items),
            _ => None,
        }
    }
}
