// Action lists: their steps, one after the other, over all frames that have the list.
#include <algorithm>

#include "switch/vale.hpp"

namespace valenic {

using spec::DropReason;

namespace {

/// Whether a step decides what becomes of the frame.
bool settles(const ActionStep& step) noexcept {
    return std::holds_alternative<step::Output>(step) ||
           std::holds_alternative<step::Recirculate>(step) ||
           std::holds_alternative<step::Hold>(step) || std::holds_alternative<step::Drop>(step);
}

bool rewrites(const ActionStep& step) noexcept {
    return std::holds_alternative<step::PushVlan>(step) ||
           std::holds_alternative<step::PopVlan>(step) ||
           std::holds_alternative<step::SetField>(step);
}

}  // namespace

/// One list on its way. Each step is a call: `false` ends the list.
struct ValeSwitch::StepRun {
    ValeSwitch& vale;
    const Batch& batch;
    EditedBatch& edited;  ///< `batch` is its, as soon as a step rewrites.
    Pass& pass;
    uint8_t* indices;  ///< Of the frames that are left.
    size_t count;

    Indices left() const noexcept { return {indices, count}; }
    /// Frames of ports without VLANs are in none, whatever tags they have.
    bool in_vlan(uint8_t index) const noexcept {
        return pass.classified != nullptr && pass.classified->frames[index].vlan != vlan_none;
    }
    /// Those that `keeps` says no to are dropped.
    template <typename Keeps>
    bool filter(DropReason why, Keeps keeps) noexcept {
        const uint8_t* end =
            std::remove_if(indices, indices + count, [&](uint8_t index) { return !keeps(index); });
        const auto kept = static_cast<size_t>(end - indices);
        pass.counters().drop(why, count - kept);
        count = kept;
        return count > 0;
    }

    bool operator()(const step::Output& step) {
        vale.act(batch, left(), step.to, pass);
        return true;
    }
    bool operator()(const step::PushVlan& step) {
        return filter(DropReason::tx_rewrite_refused, [&](uint8_t index) {
            const Tags tags = tags_of(batch.stages[index].bytes, batch.frames[index].stage_len);
            if (!edited.push_tag(index, step.ethertype, step.control)) return false;
            if (!in_vlan(index)) return true;
            FrameVlan& frame = pass.classified->frames[index];
            frame.vlan = step.control & tag_vlan_mask;
            frame.tagged = true;
            frame.number = frame.vlan == vlan_none;
            frame.nested = tags.announced > 0;
            pass.classified->vlans[index] = frame.vlan;
            return true;
        });
    }
    /// It stays a frame of its VLAN: what the tag said is known.
    bool operator()(const step::PopVlan&) {
        for (const uint8_t index : left()) {
            if (!edited.pop_tag(index) || !in_vlan(index)) continue;
            FrameVlan& frame = pass.classified->frames[index];
            frame.tagged = frame.number = false;
            frame.nested =
                tags_of(batch.stages[index].bytes, batch.frames[index].stage_len).announced > 0;
        }
        return true;
    }
    bool operator()(const step::SetField& step) {
        return filter(DropReason::tx_rewrite_refused, [&](uint8_t index) {
            return edited.set_field(index, step.edit) != EditResult::refused;
        });
    }
    bool operator()(const step::Meter& step) {
        const uint64_t passed =
            step.bucket->take(count, step.rate_pps, step.burst_ns, pass.context.now_ns);
        pass.counters().drop(DropReason::tx_metered, count - passed);
        count = passed;
        return count > 0;
    }
    bool operator()(const step::See& step) {
        step.tap->see(batch, left(), TapPoint::list, pass.source, pass.context);
        return true;
    }
    bool operator()(const step::Recirculate& step) {
        vale.recirculate(batch, left(), step.id, pass);
        return false;
    }
    bool operator()(const step::Hold& step) {
        vale.hold(batch, left(), step, pass);
        return false;
    }
    bool operator()(const step::Drop& step) {
        pass.counters().drop(step.why, count);
        return false;
    }
};

void ValeSwitch::run_list(const Batch& batch, Indices indices, uint16_t number, Pass& pass) {
    const ActionSteps steps = lookup_->steps_of(number);
    if (std::ranges::none_of(steps, settles))
        pass.counters().drop(DropReason::tx_action_drop, indices.size());
    run_steps(batch, indices, steps, pass);
}

void ValeSwitch::run_steps(const Batch& batch, Indices indices, ActionSteps steps, Pass& pass) {
    EditedBatch& edited = pass.context.edited;
    uint8_t left[batch_frames];
    std::ranges::copy(indices, left);
    StepRun run{*this, batch, edited, pass, left, indices.size()};
    for (size_t i = 0; i < steps.size(); ++i) {
        if (rewrites(steps[i]) && &batch != &edited.batch())
            return edit_and_run(batch, run.left(), steps.subspan(i), pass);
        if (!std::visit(run, steps[i])) return;
    }
}

/// Frames are rewritten in a batch of their own, with the indices they have. Where it is full, the
/// list goes on in parts.
void ValeSwitch::edit_and_run(const Batch& batch, Indices indices, ActionSteps steps, Pass& pass) {
    EditedBatch& edited = pass.context.edited;
    while (!indices.empty()) {
        edited.begin(batch);
        size_t count = 0;
        while (count < indices.size() && edited.put(batch, indices[count])) ++count;
        run_steps(edited.batch(), indices.first(count), steps, pass);
        indices = indices.subspan(count);
    }
}

/// What was looked up too often goes nowhere: it would go round for ever.
void ValeSwitch::recirculate(const Batch& batch, Indices indices, uint32_t id, Pass& pass) {
    if (pass.recirculations == recirculations_max)
        return pass.counters().drop(DropReason::tx_recirculation_limit, indices.size());
    ++pass.recirculations;
    Action actions[batch_frames];
    lookup_->resolve_again(batch, indices, lookup_source(pass), id, {actions, indices.size()});
    deal(batch, indices, actions, pass);
    --pass.recirculations;
}

void ValeSwitch::hold(const Batch& batch, Indices indices, const step::Hold& step,
                      Pass& pass) noexcept {
    WorkerContext& context = pass.context;
    HeldFrames::Way way{&pass.source, step.then, pass.recirculations, {}};
    uint64_t refused = 0;
    for (const uint8_t index : indices) {
        if (pass.classified != nullptr) way.vlan = pass.classified->frames[index];
        refused += !context.held.hold(batch, index, way, context.now_ns + step.delay_ns, context);
    }
    pass.counters().drop(DropReason::tx_hold_full, refused);
}

}  // namespace valenic
