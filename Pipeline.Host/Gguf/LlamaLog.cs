using System.Text;
using LLama.Native;

namespace Pipeline.Host.Gguf;

/// <summary>
/// The warnings and errors of llama.cpp, which gives its reasons nowhere else. They are written to standard error, and kept so that an answer can include
/// them.
/// </summary>
internal static class LlamaLog
{
    private const int KeptCharacters = 4000;

    private static readonly Lock s_gate = new();
    private static readonly StringBuilder s_kept = new();
    private static bool s_goesOn;

    /// <summary>Takes a message of llama.cpp. A message may continue the one before it.</summary>
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

    /// <summary>Returns what was kept since the last call, at most the last few thousand characters.</summary>
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
