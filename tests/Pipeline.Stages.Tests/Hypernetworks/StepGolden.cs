using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.HypernetworkTraining;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Hypernetworks;

/// <summary>The inputs of a case of <c>golden/zett/step</c> as this program's records.</summary>
internal static class StepGolden
{
    public static ResidualNetwork Network(JsonElement config, ZettCase weights)
    {
        FormPooling Pooling(string key) => config.GetProperty(key).GetString() == "mean" ? FormPooling.Mean : FormPooling.First;
        var shape = new ResidualNetworkShape(
            config.GetProperty("num_heads").GetInt32(), config.GetProperty("num_layers").GetInt32(), config.GetProperty("layer_norm_eps").GetDouble(),
            config.GetProperty("residual").GetBoolean() ? Pooling("residual_pooling") : FormPooling.None, config.GetProperty("residual_alpha").GetDouble(),
            Pooling("pooling"), config.GetProperty("use_attention").GetBoolean(), config.GetProperty("use_attention_mask").GetBoolean());
        return new ResidualNetwork(shape, new NetworkWeights(weights.Names.Select(n => (n, weights[n])), CPU));
    }

    public static SampledBatch Batch(JsonElement json)
    {
        long[][] forms = [.. json.GetProperty("surface_forms").EnumerateArray().Select(Longs)];
        int[] special = [.. json.GetProperty("special_rows").EnumerateArray().Select(r => r.GetInt32())], from = [.. json.GetProperty("special_source").EnumerateArray().Select(r => r.GetInt32())];
        var copied = special.ToDictionary(row => row, row => from[row]);
        var surface = new SurfaceForms([.. forms.SelectMany(f => f)], forms[0].Length, int.MaxValue, -1, copied, [], 0, 0);
        int[] lengths = [.. json.GetProperty("student_lengths").EnumerateArray().Select(r => r.GetInt32())];
        Example[] examples = [.. lengths.Select((length, row) => Example(json, row, length))];
        bool[] boundary = [.. json.GetProperty("student_boundary_mask").EnumerateArray().Select(b => b.GetBoolean())];
        return new SampledBatch(examples, null, surface, boundary, SampledKind.Known, forms.Length, new Dictionary<string, int>(), default);
    }

    private static Example Example(JsonElement json, int row, int length)
    {
        TokenSequence Sequence(int[] ids, long[] ends) => new(ids, [0, .. ends.Select(e => (int)e)], [UnitLabels.Bos, .. ends.Select(_ => UnitLabels.Text)]);
        int[] ids = [.. Longs(json.GetProperty("student_ids")[row]).Take(length).Select(id => (int)id)];
        long[] teacherEnds = Longs(json.GetProperty("teacher_ends")[row]);
        TokenSequence student = Sequence(ids, [.. Longs(json.GetProperty("student_ends")[row]).Take(length - 1)]), teacher = Sequence(new int[teacherEnds.Length + 1], teacherEnds);
        float[] Negative(string key) => [0, .. json.GetProperty(key)[row].EnumerateArray().Select(v => -(float)v.GetDouble())];
        var view = new TeacherView(teacher, new TeacherScores(Negative("teacher_logprobs"), Negative("teacher_log_masses")));
        return new Example(new DocumentId(1, row, 0), "", student, view, Chunks(teacher, student));
    }

    /// <summary>Cut at every byte offset where both have an end; the rest counts for nothing.</summary>
    private static Chunk[] Chunks(TokenSequence teacher, TokenSequence student)
    {
        int last = teacher.ByteEnds.Intersect(student.ByteEnds).Max();
        TokenSequence Cut(TokenSequence s) => new([.. s.Ids.Where((_, i) => s.ByteEnds[i] <= last)], [.. s.ByteEnds.Where(e => e <= last)], [.. s.Units!.Where((_, i) => s.ByteEnds[i] <= last)]);
        return ChunkAligner.Align(Cut(teacher), Cut(student));
    }

    private static long[] Longs(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetInt64())];
}
