using System.Text;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Gguf;

/// <summary>Lets llama.cpp itself continue a prompt: it tokenizes the prompt, and takes the most likely token again and again.</summary>
internal static class GgufAnswer
{
    /// <summary>The text that follows a prompt.</summary>
    /// <param name="file">The full path of the GGUF file.</param>
    /// <param name="prompt">The prompt. Special tokens that are written in it count as plain text.</param>
    /// <param name="endId">The token that ends the text. Null if there is none.</param>
    /// <param name="tokens">The most new tokens.</param>
    /// <param name="cancellationToken">Ends the process in which llama.cpp runs.</param>
    public static string Of(string file, string prompt, int? endId, int tokens, CancellationToken cancellationToken)
    {
        using GgufWorkerClient llama = GgufWorkerClient.Open(new GgufWorkers(), file, Environment.ProcessorCount, chunkTokens: 256, cancellationToken: cancellationToken);
        byte[][] pieces = llama.Tokens(cancellationToken);
        List<int> ids = [.. llama.Tokenize(prompt, addSpecial: true, parseSpecial: false, cancellationToken)];
        List<byte> text = [];
        for (int i = 0; i < tokens; i++)
        {
            float[] logits = llama.NextLogits(ids.ToArray(), goesOn: true, cancellationToken);
            int next = Array.IndexOf(logits, logits.Max());
            if (next == endId)
                break;
            ids.Add(next);
            text.AddRange(pieces[next]);
        }
        return Encoding.UTF8.GetString([.. text]);
    }
}
