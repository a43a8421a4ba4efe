//! What a device answers to a request, before anything happens to the answer on its way.

use std::future::{Ready, ready};
use tokio_modbus::server::Service;
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use super::simulator::{Framing, Simulator};
use crate::profile::Function;
use crate::simulate::device::Refusal;
use crate::simulate::fault::Line;

/// One client's view of a simulator.
pub struct Answers {
    pub simulator: Simulator,
    pub framing: Framing,
}

impl Service for Answers {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Self::Response, Self::Exception>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        ready(self.answer(&request))
    }
}

impl Answers {
    fn answer(&self, request: &SlaveRequest<'static>) -> Result<Option<Response>, ExceptionCode> {
        let (function, start, count) = match request.request {
            Request::ReadHoldingRegisters(start, count) => (Function::Holding, start, count),
            Request::ReadInputRegisters(start, count) => (Function::Input, start, count),
            _ => return Err(ExceptionCode::IllegalFunction),
        };
        let Some((map, faults)) = self.simulator.look(request.slave) else {
            // On a bus nobody feels addressed; a TCP server says that there is nobody.
            return match self.framing {
                Framing::Tcp => Err(ExceptionCode::GatewayTargetDevice),
                _ => Ok(None),
            };
        };
        if faults.contains(&Line::Busy) {
            return Err(ExceptionCode::ServerDeviceBusy);
        }
        let mut words = map
            .read(function, start, count)
            .map_err(|refusal| match refusal {
                Refusal::Address => ExceptionCode::IllegalDataAddress,
                Refusal::Quantity => ExceptionCode::IllegalDataValue,
            })?;
        if faults.contains(&Line::Short) {
            words.pop();
        }
        Ok(Some(match function {
            Function::Holding => Response::ReadHoldingRegisters(words),
            Function::Input => Response::ReadInputRegisters(words),
        }))
    }
}
