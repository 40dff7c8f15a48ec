using System.Text;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Gguf;

/// <summary>What llama.cpp itself makes of a file: it tokenizes a prompt, takes the most likely token again and again, and writes their text.</summary>
internal static class GgufAnswer
{
    /// <param name="file">Full path.</param>
    /// <param name="prompt">Text; special tokens written in it are plain text.</param>
    /// <param name="endId">The token that ends the text; null: none does.</param>
    /// <param name="tokens">At most this many new ones.</param>
    /// <param name="cancellationToken">Ends the process.</param>
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
