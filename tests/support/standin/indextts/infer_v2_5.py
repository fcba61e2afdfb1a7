"""The stand-in of version 2.5."""

from indextts.standin import Core, Wish


class IndexTTS2:
    """Upstream's signatures; behind them `indextts.standin.Core`."""

    def __init__(
        self,
        cfg_path="checkpoints/config.yaml",
        model_dir="checkpoints",
        use_bf16=False,
        device=None,
        use_cuda_kernel=None,
        use_deepspeed=False,
        use_accel=False,
        use_torch_compile=False,
        use_qwen_emo=False,
    ):
        self.gr_progress = None
        self.core = Core("2.5", cfg_path, model_dir, device, use_bf16, use_qwen_emo, None)

    def infer(
        self,
        spk_audio_prompt,
        text,
        output_path,
        lang,
        emo_audio_prompt=None,
        emo_alpha=1.0,
        emo_vector=None,
        use_emo_text=False,
        emo_text=None,
        use_random=False,
        interval_silence=200,
        verbose=False,
        max_text_tokens_per_segment=120,
        stream_return=False,
        more_segment_before=0,
        duration_factor=1.0,
        text_normalization=True,
        **generation_kwargs,
    ):
        wish = Wish(
            spk_audio_prompt, text, lang, emo_audio_prompt, emo_alpha, emo_vector, use_emo_text, emo_text, use_random,
            interval_silence, max_text_tokens_per_segment, duration_factor, text_normalization, generation_kwargs,
        )  # fmt: skip
        stream = self.core.stream(wish, self.gr_progress)
        return stream if stream_return else self.core.whole(stream, output_path)
