using Pipeline.Host.Gguf;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>llama.cpp in a process of its own, so that nothing it does ends the tests.</summary>
internal static class LlamaCpp
{
    public static GgufWorkerClient Open(string file, int threads = 1, int chunkTokens = 256, bool vocabularyOnly = false)
        => GgufWorkerClient.Open(new GgufWorkers(), file, threads, chunkTokens, vocabularyOnly);

    /// <summary>The largest difference of logits [positions, V].</summary>
    public static double Difference(ReadOnlySpan<float> theirs, ReadOnlySpan<float> ours)
    {
        Assert.Equal(ours.Length, theirs.Length);
        double most = 0;
        for (int i = 0; i < ours.Length; i++)
        {
            Assert.True(float.IsFinite(theirs[i]), $"logit {i} is {theirs[i]}");
            most = Math.Max(most, Math.Abs(theirs[i] - ours[i]));
        }
        return most;
    }
}
