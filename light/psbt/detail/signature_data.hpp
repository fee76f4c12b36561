#pragma once

#include "light/psbt/psbt.hpp"

/// Between the fields of a PSBT and what signing works with.
namespace cairn::light::psbt_detail {

InputSignatures signature_data(const PsbtInput& input);
/// As if the output were to be spent.
InputSignatures signature_data(const PsbtOutput& output);

/// Takes over what signing found: the final fields when it is complete, otherwise whatever was learned.
void take(PsbtInput& input, InputSignatures data);
void take(PsbtOutput& output, InputSignatures data);

}  // namespace cairn::light::psbt_detail
