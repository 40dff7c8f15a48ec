using System.Text;
using LLama.Native;

namespace Pipeline.Host.Gguf;

/// <summary>What llama.cpp warns of and fails with: the only place where it gives reasons. Written to standard error, and kept for an answer.</summary>
internal static class LlamaLog
{
    private const int KeptCharacters = 4000;

    private static readonly Lock s_gate = new();
    private static readonly StringBuilder s_kept = new();
    private static bool s_goesOn;

    public static void Add(LLamaLogLevel level, string message)
    {
        lock (s_gate)
        {
            s_goesOn = level is LLamaLogLevel.Warning or LLamaLogLevel.Error || (level == LLamaLogLevel.Continue && s_goesOn);
            if (!s_goesOn)
                return;
            s_kept.Append(message);
            if (s_kept.Length > KeptCharacters)
                s_kept.Remove(0, s_kept.Length - KeptCharacters);
        }
        Console.Error.Write(message);
    }

    /// <summary>What was kept since the last call.</summary>
    public static string Take()
    {
        lock (s_gate)
        {
            string text = s_kept.ToString();
            s_kept.Clear();
            return text;
        }
    }
}
