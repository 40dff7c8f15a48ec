using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// A teacher run alongside the student, for objectives that need more of it than a cache holds. Works on the device's thread; what it
/// returns has no gradients and belongs to the caller's dispose scope.
/// </summary>
/// <param name="teacher">Loaded when first used.</param>
/// <param name="layers">Hidden states asked for: 0 is the embedding output, L the last after the final norm.</param>
/// <param name="withLogits">Whether logits are asked for, whole.</param>
/// <param name="student">Where its answers are read: it may compute on another device.</param>
internal sealed class OnlineTeacher(TorchTeacher teacher, IReadOnlyList<int> layers, bool withLogits, Device student)
{
    /// <summary>Logits of ids that no token has.</summary>
    public const float Impossible = -1e30f;

    // Looked at once: waiting for the answer at every step would hold up a device that runs ahead.
    private bool _isSound;

    public TeacherInputs Run(IReadOnlyList<Example> examples)
    {
        int[][] rows = [.. examples.Select(e => e.Teacher?.Tokens.Ids ?? throw new InputException(
            $"document {e.Id} has no teacher tokens, and an objective needs the teacher alongside the student; use shards that were written after tokenize and score-teacher"))];
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        LanguageModel loaded = teacher.Load();
        CausalLm model = loaded.Model;
        BatchTensors tensors = BatchTensors.Of(rows, model.Device);
        using AttentionContext attention = model.CreateAttention(rows.Length, (int)tensors.Ids_BT.size(1), lengths: tensors.Lengths);
        Tensor embedded_BTH = loaded.Embed(tensors.Ids_BT);
        List<Tensor> states = [embedded_BTH];
        Tensor last_BTH = model.FinalNorm(model.RunLayers(embedded_BTH, 0, model.Config.Layers, attention, collectHidden: states));
        states[^1] = last_BTH;
        if (!_isSound && !last_BTH.flatten(0, 1).index_select(0, tensors.Real_R).isfinite().all().cpu().item<bool>())
            throw NotFinite.Refusal(loaded.Name, model, $"its hidden states of documents from {examples[0].Id} on");
        _isSound = true;
        return new TeacherInputs
        {
            Hidden_MH = layers.Distinct().ToDictionary(l => l, l => Flat(states[l]).to(student).MoveToOuterDisposeScope()),
            Logits_MV = withLogits ? Logits(model, last_BTH.view(-1, model.Config.HiddenSize), loaded.ValidRows).to(student).MoveToOuterDisposeScope() : null,
            OutputEmbeddings_VH = withLogits ? model.HeadWeight.detach().to(ScalarType.Float32, student).MoveToOuterDisposeScope() : null,
        };
    }

    /// <summary>[N, V] float32 logits in which ids that no token has are impossible.</summary>
    public static Tensor Logits(CausalLm model, Tensor hidden_NH, int validRows)
    {
        Tensor logits_NV = model.Logits(hidden_NH);
        long surplus = logits_NV.size(1) - validRows;
        return surplus <= 0 ? logits_NV : cat(
            [logits_NV.narrow(1, 0, validRows), full([logits_NV.size(0), surplus], Impossible, dtype: logits_NV.dtype, device: logits_NV.device)], 1);
    }

    private static Tensor Flat(Tensor state_BTH) => state_BTH.reshape(-1, state_BTH.size(2)).to_type(ScalarType.Float32);
}
