using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Runs the teacher next to the student in training, for objectives that read more than a cache holds. To be used on the device's thread. B rows, T
/// positions in the longest row of teacher tokens, M = B · T flat positions, H hidden size, V rows of the head.
/// </summary>
/// <param name="teacher">The teacher. Its weights are loaded by the first batch.</param>
/// <param name="layers">The hidden states that are wanted: 0 is the output of the embedding, and L the last one, after the final norm.</param>
/// <param name="withLogits">Whether the logits and the output embeddings are wanted.</param>
/// <param name="student">The student's device, which gets the answers. The teacher may compute on another one.</param>
internal sealed class OnlineTeacher(TorchTeacher teacher, IReadOnlyList<int> layers, bool withLogits, Device student)
{
    /// <summary>The logit of an id that no token has.</summary>
    public const float Impossible = -1e30f;

    // Only the first batch is checked. To wait for the result at every step would slow down a device that works ahead of this thread.
    private bool _isSound;

    /// <summary>
    /// What the teacher says about a batch. The tensors have no gradients, are on the student's device, and belong to the caller's dispose scope.
    /// </summary>
    /// <exception cref="InputException">A document has no teacher tokens, or a hidden state of the first batch is not finite.</exception>
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

    /// <summary>[N, V] float32, the logits of a model. Ids that no token has get the logit <see cref="Impossible"/>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden_NH">[N, H] hidden states after the final norm.</param>
    /// <param name="validRows">How many rows of the head belong to a token.</param>
    public static Tensor Logits(CausalLm model, Tensor hidden_NH, int validRows)
    {
        Tensor logits_NV = model.Logits(hidden_NH);
        long surplus = logits_NV.size(1) - validRows;
        return surplus <= 0 ? logits_NV : cat(
            [logits_NV.narrow(1, 0, validRows), full([logits_NV.size(0), surplus], Impossible, dtype: logits_NV.dtype, device: logits_NV.device)], 1);
    }

    private static Tensor Flat(Tensor state_BTH) => state_BTH.reshape(-1, state_BTH.size(2)).to_type(ScalarType.Float32);
}
