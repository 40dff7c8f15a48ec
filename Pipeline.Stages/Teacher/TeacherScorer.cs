using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Runs a teacher over one batch of token sequences, and keeps two numbers for each token: its log-likelihood, and the log boundary mass after it
/// (arXiv 2503.20083, sections 3.1 and 3.2). Hidden states and next bytes come on top where they are wanted. Make a new object for each batch, and call
/// <see cref="Score"/> and then <see cref="WithBytes"/>.
/// </summary>
/// <remarks>
/// B rows, T tokens in the longest row, H hidden size, V rows of the head, R tokens that are not padding. Rows are padded as in
/// <see cref="BatchTensors"/>.
/// </remarks>
/// <param name="teacher">The model. It stays the caller's.</param>
/// <param name="hiddenLayers">The hidden states that are wanted, as in <see cref="TeacherRequest.HiddenLayers"/>.</param>
/// <param name="bytes">The same model, as one that can be asked for next bytes; null if they are not wanted. It stays the caller's.</param>
/// <param name="asked">Which next bytes are wanted; null if none are.</param>
internal sealed class TeacherScorer(LanguageModel teacher, IReadOnlyList<int> hiddenLayers, NextByteModel? bytes = null, NextBytesAsked? asked = null)
{
    private ScoredRow[]? _byteRows;

    /// <summary>
    /// The scores of each row, in order, with hidden states if layers were asked for. <see cref="WithBytes"/> adds next bytes. To be called on the
    /// device's thread.
    /// </summary>
    /// <exception cref="InputException">A number is not finite. The message says which document and which weight, or where the model overflows.</exception>
    public IReadOnlyList<TeacherAnswer> Score(IReadOnlyList<TeacherQuestion> rows)
    {
        using var inference = torch.inference_mode();
        using var scope = NewDisposeScope();
        CausalLm model = teacher.Model;
        BatchTensors tensors = BatchTensors.Of([.. rows.Select(r => r.Ids)], model.Device);
        _byteRows = bytes is null ? null : [.. rows.Select(r => bytes.Row(
            r.Tokens ?? throw new InvalidOperationException("next bytes are asked for a row that does not say which bytes its tokens spell"),
            asked!.View == NextByteKnowledge.Exact ? BytesView.Exact : BytesView.Trunk))];
        using NextBytePass? pass = _byteRows is null ? null : bytes!.Begin(_byteRows);
        using AttentionContext attention = model.CreateAttention(rows.Count, (int)tensors.Ids_BT.size(1), cache: pass?.Cache, lengths: tensors.Lengths);
        List<Tensor>? hidden = hiddenLayers.Count > 0 ? [] : null;
        Tensor embedded_BTH = teacher.Embed(tensors.Ids_BT);
        hidden?.Add(embedded_BTH);
        Tensor last_BTH = model.FinalNorm(model.RunLayers(embedded_BTH, 0, model.Config.Layers, attention, collectHidden: hidden));
        // The last hidden state is meant to be the one after the final norm, as is usual in the field.
        if (hidden is not null) hidden[^1] = last_BTH;
        Tensor last_RH = last_BTH.view(-1, model.Config.HiddenSize).index_select(0, tensors.Real_R);
        HeadScores scores = pass?.AddTrunk(last_RH, teacher.BoundaryMask_V) ?? VocabularyHead.Score(last_RH, model.HeadWeight, tensors.Targets_R,
            new HeadOptions(model.Config.FinalSoftcap, teacher.ValidRows, teacher.BoundaryMask_V));

        float[] likelihood = Values(scores.LogLikelihood);
        float[] boundary = Values(scores.LogBoundary!);
        var results = new TeacherAnswer[rows.Count];
        int n = 0;
        for (int b = 0; b < rows.Count; b++)
        {
            int count = rows[b].Ids.Length;
            var negLogLikelihood = new float[count];
            var negLogBoundary = new float[count];
            for (int t = 0; t < count; t++)
            {
                // The head gives the score of the next token at position t. The record has each score at its own token.
                if (t > 0) negLogLikelihood[t] = Stored(likelihood[n + t - 1]);
                negLogBoundary[t] = Stored(boundary[n + t]);
                // A boundary mass of 0, whose logarithm is infinite, is possible. The softmax gives every token a finite logarithm.
                if ((t > 0 && !float.IsFinite(likelihood[n + t - 1])) || !(boundary[n + t] <= float.MaxValue)) throw Refusal(rows[b], $"its likelihoods at token {t}");
            }
            n += count;
            results[b] = new TeacherAnswer(new TeacherScores(negLogLikelihood, negLogBoundary))
            {
                Hidden = hidden is null ? null : HiddenAt(hidden, b, rows[b]),
            };
        }
        pass?.AddOthers(asked!.LeastShare);
        return results;
    }

    /// <summary>
    /// The answers of <see cref="Score"/>, with the next bytes that were asked for. This may be called on any thread, so that the device can go on with
    /// another batch in the meantime.
    /// </summary>
    public IReadOnlyList<TeacherAnswer> WithBytes(IReadOnlyList<TeacherAnswer> answers, IReadOnlyList<TeacherQuestion> rows)
    {
        if (_byteRows is null) return answers;
        var kept = new KeptBytes(asked!.MaxKept, asked.KeepShare);
        return [.. answers.Zip(_byteRows, rows).Select(a => a.First with { Bytes = kept.Answer(a.Second, a.Third.Tokens!) })];
    }

    private TeacherHidden HiddenAt(List<Tensor> hidden, int row, TeacherQuestion question)
    {
        int[] positions = question.HiddenAt;
        int width = teacher.Model.Config.HiddenSize;
        var values = new Half[hiddenLayers.Count * positions.Length * width];
        using var scope = NewDisposeScope();
        Tensor at = tensor(Array.ConvertAll(positions, p => (long)p), device: teacher.Model.Device);
        int[] layers = [.. hiddenLayers.Select(l => l < 0 ? hidden.Count + l : l)];
        for (int i = 0; i < layers.Length; i++)
        {
            float[] states = Values(hidden[layers[i]][row].index_select(0, at).flatten());
            if (NotFinite.FirstIn(states) >= 0) throw Refusal(question, $"its hidden states of layer {layers[i]}");
            for (int k = 0; k < states.Length; k++) values[i * states.Length + k] = (Half)Math.Clamp(states[k], (float)Half.MinValue, (float)Half.MaxValue);
        }
        return new TeacherHidden(layers, width, values);
    }

    private InputException Refusal(TeacherQuestion question, string what)
        => NotFinite.Refusal(teacher.Name, teacher.Model, question.Document is { } id ? $"document {id}, {what}" : what);

    /// <summary>-log p as shards hold it, in the finite range of float16: an impossible token has the largest number and not infinity.</summary>
    private static float Stored(float logProbability) => Math.Clamp(-logProbability, 0f, (float)Half.MaxValue);

    private static float[] Values(Tensor values) => values.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
